/**
 * Texts as an SMS carries them: the GSM 7-bit default alphabet (3GPP TS 23.038, once GSM 03.38), one septet an octet, where
 * every character has a place in it, else UCS-2.
 */

/** Values of data_coding (SMPP 3.4, 5.2.19). */
export const CODING = { gsm: 0, ucs2: 8 } as const;

/** A text in its encoding. `parts`: how many SMS a phone gets it as. */
export type Encoded = { coding: (typeof CODING)[keyof typeof CODING]; bytes: Buffer; parts: number };

/** What one SMS holds, and what each of several holds, whose header takes seven septets or six octets. */
const SEPTETS = { alone: 160, of_several: 153 } as const;
const UCS2_UNITS = { alone: 70, of_several: 67 } as const;

/** Section 6.2.1, by septet. 0x1B leads to the extension table and is no character. */
const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const ESCAPE = 0x1b;
/** Section 6.2.1.1, without the page break. */
const EXTENSION: Readonly<Record<string, number>> = {
  "^": 0x14,
  "{": 0x28,
  "}": 0x29,
  "\\": 0x2f,
  "[": 0x3c,
  "~": 0x3d,
  "]": 0x3e,
  "|": 0x40,
  "€": 0x65,
};

const septetsOf: ReadonlyMap<string, readonly number[]> = new Map([
  ...[...BASIC].map((char, septet): [string, number[]] => [char, [septet]]).filter(([, [septet]]) => septet !== ESCAPE),
  ...Object.entries(EXTENSION).map(([char, septet]): [string, number[]] => [char, [ESCAPE, septet]]),
]);

/** Encodes well-formed text, composed characters first (NFC). */
export function encodeText(text: string): Encoded {
  const composed = text.normalize("NFC");
  const septets = toSeptets(composed);
  if (septets !== undefined) return { coding: CODING.gsm, bytes: septets, parts: partsOf(septets.length, SEPTETS) };
  const bytes = Buffer.from(composed, "utf16le").swap16();
  return { coding: CODING.ucs2, bytes, parts: partsOf(composed.length, UCS2_UNITS) };
}

function toSeptets(text: string): Buffer | undefined {
  const septets: number[] = [];
  for (const char of text) {
    const own = septetsOf.get(char);
    if (own === undefined) return undefined;
    septets.push(...own);
  }
  return Buffer.from(septets);
}

function partsOf(length: number, holds: { alone: number; of_several: number }): number {
  return length <= holds.alone ? 1 : Math.ceil(length / holds.of_several);
}
