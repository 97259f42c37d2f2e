/**
 * Finds any of thousands of texts in bytes, in one pass: a table of the first three bytes says where a look is worth it.
 * Pure.
 */

const PREFIX_BYTES = 3;

export type Needles = {
  /** Bytes of the longest spelling. */
  readonly bytesMax: number;
  /** Where texts begin in `bytes`; of several that begin at one place, the longest. */
  find(bytes: Uint8Array): Found[];
};
export type Found = { at: number; text: string };

/** `texts` of three bytes or more; each is looked for as UTF-8, composed and decomposed, and as JSON escapes it. */
export function makeNeedles(texts: readonly string[]): Needles {
  const begins = new Uint8Array(1 << (8 * PREFIX_BYTES));
  const byPrefix = new Map<number, { bytes: Buffer; text: string }[]>();
  let bytesMax = 0;
  for (const text of texts) {
    for (const bytes of spellings(text)) {
      if (bytes.length < PREFIX_BYTES) throw new Error("A text of less than three bytes would be found everywhere.");
      const key = prefix(bytes, 0);
      begins[key] = 1;
      byPrefix.set(key, [...(byPrefix.get(key) ?? []), { bytes, text }]);
      bytesMax = Math.max(bytesMax, bytes.length);
    }
  }
  for (const same of byPrefix.values()) same.sort((a, b) => b.bytes.length - a.bytes.length);
  return {
    bytesMax,
    find(bytes) {
      const found: Found[] = [];
      for (let at = 0; at + PREFIX_BYTES <= bytes.length; at++) {
        const key = prefix(bytes, at);
        if (begins[key] === 0) continue;
        const hit = byPrefix.get(key)?.find((needle) => beginsWith(bytes, at, needle.bytes));
        if (hit !== undefined) found.push({ at, text: hit.text });
      }
      return found;
    },
  };
}

function spellings(text: string): Buffer[] {
  const plain = [text, text.normalize("NFC"), text.normalize("NFD")];
  const inJson = plain.map((one) =>
    JSON.stringify(one)
      .slice(1, -1)
      .replace(/[^\x20-\x7e]/g, escaped),
  );
  return [...new Set([...plain, ...inJson])].map((one) => Buffer.from(one, "utf8"));
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function prefix(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

function beginsWith(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.length > bytes.length) return false;
  for (let offset = PREFIX_BYTES; offset < needle.length; offset++)
    if (bytes[at + offset] !== needle[offset]) return false;
  return true;
}
