/**
 * The personal values a case knows, found again in free text however they are spelled there: in another case, width or accent, with
 * other space or punctuation between their words, with invisible characters inside, a telephone number or card in other groups, a name or
 * an address in part. Not found: letters of another script that look alike, words run together or spelled out, inflected names.
 */

import type { TokenClass } from "../../kernel/abi/tokens.ts";
import { type Folded, fold, type Word, words } from "./fold.ts";
import { digitRuns, phoneOf } from "./phones.ts";

/** A part of folded text that is personal. `known`: the token of the value it is another spelling of. */
export type Span = { from: number; to: number; class: TokenClass; known?: string };

/** Between two words of one value there may be so many other characters. */
const SEPARATOR_CHARS_MAX = 16;
/** A single word of a name is taken for the name from this length on. */
const NAME_PART_CHARS_MIN = 3;
/** A customer's id is looked for from this length on: a shorter one would hide numbers and words that are nobody's. */
export const CUSTOMER_CHARS_MIN = 5;
/** A card of so many digits and no others is looked for inside other digits too; a shorter one would hide parts of order numbers. */
const CARD_DIGITS = /^[0-9]{12,19}$/;
/** Written in groups of any size. */
const GROUPED_WORDS_MAX = 16;

type Node = { next: Map<string, Node>; hit: Hit | undefined };
type Hit = { class: TokenClass; known?: string };
/** Digits that stand for a value also where other digits stand right before or behind them. */
type Tail = { heads: string[]; class: TokenClass; known: string };
/** Digits `[at, end)` of a run that are a known tail. */
type TailFound = { at: number; end: number; tail: Tail };

export class KnownValues {
  readonly #root: Node = { next: new Map(), hit: undefined };
  /** Tails of phones, and whole cards, by their length. */
  readonly #tails = new Map<number, Map<string, Tail>>();
  readonly #grouped = new Map<string, Hit>();
  #groupedChars = 0;
  #size = 0;

  /** How many values it has learned. */
  get size(): number {
    return this.#size;
  }

  /** Learns a value and the token that stands for it. */
  add(name: TokenClass, value: string, token: string): void {
    if (name === "other" || (name === "customer" && value.length < CUSTOMER_CHARS_MIN)) return;
    this.#size++;
    if (name === "phone") this.#addPhone(value, token);
    if (name === "iban" || name === "card" || name === "birthdate")
      this.#addGrouped(value, { class: name, known: token });
    this.#addWords(words(fold(value).text), { class: name, known: token });
    for (const part of partsOf(name, value)) this.#addWords(part, { class: name });
  }

  /** Every place where a known value stands, the longest at each; places may overlap. */
  find(folded: Folded): Span[] {
    const all = words(folded.text);
    return [...this.#findWords(all), ...this.#findGrouped(all), ...this.#findTails(folded.text)];
  }

  #addWords(sequence: Word[], hit: Hit): void {
    if (sequence.length === 0) return;
    let node = this.#root;
    for (const { text } of sequence) {
      const next = node.next.get(text) ?? { next: new Map(), hit: undefined };
      node.next.set(text, next);
      node = next;
    }
    node.hit ??= hit;
  }

  #addPhone(value: string, token: string): void {
    const phone = phoneOf(value);
    if (phone !== undefined) this.#addTail(phone.tail, { heads: phone.heads, class: "phone", known: token });
  }

  #addTail(digits: string, tail: Tail): void {
    const tails = this.#tails.get(digits.length) ?? new Map<string, Tail>();
    this.#tails.set(digits.length, tails);
    tails.set(digits, tail);
  }

  #addGrouped(value: string, hit: Required<Hit>): void {
    const compact = join(words(fold(value).text));
    this.#groupedChars = Math.max(this.#groupedChars, compact.length);
    this.#grouped.set(compact, hit);
    if (hit.class === "card" && CARD_DIGITS.test(compact)) this.#addTail(compact, { heads: [], ...hit });
  }

  #findWords(all: Word[]): Span[] {
    return all.flatMap((word, at) => {
      let node = this.#root.next.get(word.text);
      let found: Span | undefined;
      for (let last = at; node !== undefined; last++) {
        if (node.hit !== undefined) found = { from: word.from, to: (all[last] as Word).to, ...node.hit };
        const next = all[last + 1];
        if (next === undefined || next.from - (all[last] as Word).to > SEPARATOR_CHARS_MAX) break;
        node = node.next.get(next.text);
      }
      return found === undefined ? [] : [found];
    });
  }

  #findGrouped(all: Word[]): Span[] {
    if (this.#grouped.size === 0) return [];
    return all.flatMap((word, at) => {
      let compact = "";
      for (const last of all.slice(at, at + GROUPED_WORDS_MAX)) {
        compact += last.text;
        if (compact.length > this.#groupedChars) break;
        const hit = this.#grouped.get(compact);
        if (hit !== undefined) return [{ from: word.from, to: last.to, ...hit }];
      }
      return [];
    });
  }

  #findTails(folded: string): Span[] {
    if (this.#tails.size === 0) return [];
    return digitRuns(folded).flatMap(({ digits, places }) => {
      const found = this.#tailsIn(digits);
      const ends = new Set(found.map(({ end }) => end));
      return found.map(({ at, end, tail }) => {
        const from = places[at - headLength(digits, at, tail, ends)] as number;
        const to = (places[end - 1] as number) + 1;
        return { from: from - opening(folded, from), to, class: tail.class, known: tail.known };
      });
    });
  }

  #tailsIn(digits: string): TailFound[] {
    return [...this.#tails].flatMap(([length, tails]) =>
      Array.from({ length: Math.max(0, digits.length - length + 1) }, (_, at) => at).flatMap((at) => {
        const tail = tails.get(digits.slice(at, at + length));
        return tail === undefined ? [] : [{ at, end: at + length, tail }];
      }),
    );
  }
}

/** How many digits before a tail belong to it: a head that reaches into no other number. */
function headLength(digits: string, at: number, { heads }: Tail, ends: ReadonlySet<number>): number {
  const isApart = (head: string) => Array.from(head, (_, place) => at - place).every((place) => !ends.has(place));
  return heads.find((head) => digits.slice(0, at).endsWith(head) && isApart(head))?.length ?? 0;
}

/** Characters that belong to the number and stand before its first digit. */
function opening(folded: string, from: number): number {
  return /[+(]*$/.exec(folded.slice(Math.max(0, from - 2), from))?.[0].length ?? 0;
}

function join(sequence: Word[]): string {
  return sequence.map(({ text }) => text).join("");
}

/** Parts of a value by which a reader knows it: each word of a name, each line of an address with a number in it. */
function partsOf(name: TokenClass, value: string): Word[][] {
  const folded = fold(value).text;
  if (name === "name")
    return words(folded)
      .filter(({ text }) => text.length >= NAME_PART_CHARS_MIN)
      .map((word) => [word]);
  if (name !== "address") return [];
  return folded
    .split(/[,;\n]/)
    .map(words)
    .filter((line) => line.length > 1 && line.some(({ text }) => /[0-9]/.test(text)));
}
