/** Finds what is shaped like an e-mail address, anybody's, in folded text. Linear: it looks round each `@`. */

const LOCAL_CHARS_MAX = 64;
const DOMAIN_CHARS_MAX = 255;
const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+$/u;
const DOMAIN = /^(?:[\p{L}\p{N}-]+\.)*[\p{L}\p{N}-]*[\p{L}\p{N}]/u;

/** Where addresses stand: `[from, to)`. A domain of one label counts: better one word too many than an address shown. */
export function emailsIn(folded: string): [number, number][] {
  return [...folded.matchAll(/@/g)].flatMap(({ index: at }): [number, number][] => {
    const local = LOCAL.exec(folded.slice(Math.max(0, at - LOCAL_CHARS_MAX), at))?.[0];
    const domain = DOMAIN.exec(folded.slice(at + 1, at + 1 + DOMAIN_CHARS_MAX))?.[0];
    if (local === undefined || domain === undefined) return [];
    return [[at - local.length, at + 1 + domain.length]];
  });
}
