/** Finds what is shaped like an e-mail address, anybody's, in folded text. Linear: it looks round each `@`. */

const LOCAL_CHARS_MAX = 64;
const DOMAIN_CHARS_MAX = 255;
const LOCAL_CHAR = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u;
const DOMAIN = /^(?:[\p{L}\p{N}-]+\.)*[\p{L}\p{N}-]*[\p{L}\p{N}]/u;

/** Where addresses stand: `[from, to)`. A domain of one label counts: better one word too many than an address shown. */
export function emailsIn(folded: string): [number, number][] {
  return [...folded.matchAll(/@/g)].flatMap(({ index: at }): [number, number][] => {
    const from = startOfLocal(folded, at);
    const domain = DOMAIN.exec(folded.slice(at + 1, at + 1 + DOMAIN_CHARS_MAX))?.[0];
    return from === at || domain === undefined ? [] : [[from, at + 1 + domain.length]];
  });
}

function startOfLocal(folded: string, at: number): number {
  let from = at;
  while (from > at - LOCAL_CHARS_MAX && LOCAL_CHAR.test(folded.charAt(from - 1))) from--;
  return from;
}
