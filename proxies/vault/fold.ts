/**
 * Folded text: one spelling for what people read alike, with the way back to the text as it was written. Case, width, accents, digits of
 * other scripts and characters nobody sees no longer make a difference. Letters of another script that merely look alike do.
 */

export type Folded = {
  text: string;
  /** Where in the original the character at this place of `text` came from: `[from, to)` in UTF-16 units. */
  from(at: number): number;
  to(at: number): number;
};

/** One letter with the marks and invisible characters that follow it; conjoining Hangul stays together. */
const CLUSTER =
  /[\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*|[\s\S][\p{M}\p{Default_Ignorable_Code_Point}]*/gu;
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
/** Accents of Latin, Greek and Cyrillic, and Arabic vowel points. */
const ACCENTS = /[\u0300-\u036f\u064b-\u065f]/gu;
const OTHER_DIGIT = /(?![0-9])\p{Nd}/gu;
const ASCII = /^[\0-\x7f]*$/;

export function fold(original: string): Folded {
  if (ASCII.test(original)) return { text: original.toLowerCase(), from: (at) => at, to: (at) => at + 1 };
  const parts: string[] = [];
  const from: number[] = [];
  const to: number[] = [];
  for (const { 0: cluster, index } of original.matchAll(CLUSTER)) {
    const folded = foldCluster(cluster);
    parts.push(folded);
    for (let unit = 0; unit < folded.length; unit++) {
      from.push(index);
      to.push(index + cluster.length);
    }
  }
  return { text: parts.join(""), from: (at) => from[at] as number, to: (at) => to[at] as number };
}

function foldCluster(cluster: string): string {
  const plain = cluster.normalize("NFKD").replace(INVISIBLE, "").toUpperCase().toLowerCase().normalize("NFKD");
  return plain.replace(ACCENTS, "").replace(OTHER_DIGIT, asciiDigit);
}

/** Decimal digits stand in runs of ten, beginning with zero (Unicode, General_Category=Nd). */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) as number;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}

/** One word: letters, marks and digits; where a script writes no spaces, each character. `[from, to)` in the folded text. */
export type Word = { text: string; from: number; to: number };

const UNSPACED =
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]";
const WORD = new RegExp(`${UNSPACED}|[[\\p{L}\\p{N}\\p{M}]--${UNSPACED}]+`, "gv");

export function words(folded: string): Word[] {
  return [...folded.matchAll(WORD)].map(({ 0: text, index }) => ({ text, from: index, to: index + text.length }));
}
