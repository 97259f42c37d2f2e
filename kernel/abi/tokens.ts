/**
 * The form of tokens: what a cell sees where a personal value stood. The door checks the form, the vault alone knows the
 * meaning, a proxy lets permitted arguments differ from hydrated ones at exactly these spans.
 */
import type { FieldClass } from "./operations.ts";

/** Classes whose one value crosses as a token `[CLASS_n]`. */
export const tokenClasses = [
  "name",
  "email",
  "phone",
  "address",
  "iban",
  "card",
  "birthdate",
  "customer",
  "other",
] as const satisfies readonly FieldClass[];
export type TokenClass = (typeof tokenClasses)[number];

/** Classes a message can be addressed to. */
const contactClasses = ["email", "phone", "address"] as const satisfies readonly TokenClass[];
export type ContactClass = (typeof contactClasses)[number];

const WORDS = tokenClasses.join("|");
const NUMBER = "[1-9][0-9]{0,5}";
const CUSTOMER = "(?<![\\p{L}\\p{M}\\p{N}_])tok_[0-9a-z]{8}(?![\\p{L}\\p{M}\\p{N}_])";
const ANY = new RegExp(`(\\[(?:${WORDS.toUpperCase()})_${NUMBER}\\]|${CUSTOMER})`, "u");
/** What a reader may take for a token, once folded (NFKC, nothing invisible): in any case, with other signs inside the brackets. */
const ALIKE = new RegExp(`\\[[\\s_-]*(?:${WORDS})[\\s_-]*\\p{Nd}{1,9}[\\s_-]*\\]|${CUSTOMER}`, "giu");

/** `[NAME_1]`. */
export function tokenText(name: TokenClass, number: number): string {
  return `[${name.toUpperCase()}_${number}]`;
}

/** Pattern (JSON Schema) of text that is exactly one token of this class and nothing else. */
export function tokenPattern(name: TokenClass): string {
  return `^\\[${name.toUpperCase()}_${NUMBER}\\]$`;
}

export function isTokenClass(name: FieldClass): name is TokenClass {
  return (tokenClasses as readonly FieldClass[]).includes(name);
}

export function isContactClass(name: FieldClass): name is ContactClass {
  return (contactClasses as readonly FieldClass[]).includes(name);
}

/** Cuts text at its tokens: even places are what stands between them, odd places the tokens themselves. */
export function splitAtTokens(text: string): string[] {
  return text.split(ANY);
}

/** Folds what looks alike into one spelling: compatibility forms (full width, ligatures) and characters nobody sees. */
function foldLook(text: string): string {
  return text.normalize("NFKC").replace(/\p{Default_Ignorable_Code_Point}/gu, "");
}

/** Whether a reader may take any part of `text` for a token, whatever its spelling. */
export function holdsTokenAlike(text: string): boolean {
  return tokenAlikes(foldLook(text)).length > 0;
}

/** Where `folded` text holds what may be taken for a token: `[start, end)` in UTF-16 units. */
export function tokenAlikes(folded: string): [number, number][] {
  return [...folded.matchAll(ALIKE)].map((match) => [match.index, match.index + match[0].length]);
}
