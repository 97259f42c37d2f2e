/**
 * The sweep: free text on its way to a cell loses what is personal.
 *
 * Threat: a frontend's text, a note in a record or a value written by somebody else carries this customer's name, address or number,
 * anybody's e-mail or telephone number, or something that only looks like a token and would be hydrated on the way back.
 * Contract: every known value of the case, in the spellings known-values.ts finds, every e-mail and telephone shape and everything that
 * looks like a token becomes a token; what else is in the text stays as it is. Every token in the outcome is one of the table.
 * Failure: where two finds overlap the longest wins; what is left of a known value is hidden too, all else is swept again. What was learned on the way counts for the whole text;
 * where that would take a third turn, the part is hidden whole. Throws `TableFull`.
 */
import { VALUE_CHARS_MAX } from "../../kernel/abi/bounds.ts";
import { splitAtTokens, tokenAlikes } from "../../kernel/abi/tokens.ts";
import { emailsIn } from "./emails.ts";
import { type Folded, fold } from "./fold.ts";
import type { Span } from "./known-values.ts";
import { phonesIn } from "./phones.ts";
import type { Draft, Table } from "./table.ts";

/** What has become a token, or what is left of the text around it. */
type Part = { text: string; isToken: boolean };
/** `isOfCase`: a value the case knows, and not something that is only shaped like one. */
type Find = Span & { isOfCase: boolean };
type Turn = (plain: string, table: Table, draft: Draft) => Part[];

/** `text` with tokens; `draft` notes which. */
export function sweep(text: string, table: Table, draft: Draft): string {
  let parts: Part[] = [{ text, isToken: false }];
  for (const turn of [sweepPlain, sweepPlain, hidePlain] satisfies Turn[]) {
    const learned = table.known.size;
    parts = parts.flatMap((part) => (part.isToken ? [part] : turn(part.text, table, draft)));
    if (table.known.size === learned) break;
  }
  return parts.map((part) => part.text).join("");
}

function sweepPlain(text: string, table: Table, draft: Draft): Part[] {
  const spans = longestApart(findAll(text, table), text.length);
  if (spans.length === 0) return [{ text, isToken: false }];
  const parts: Part[] = [];
  let at = 0;
  for (const span of spans) {
    parts.push(...sweepPlain(text.slice(at, span.from), table, draft));
    parts.push({ text: tokenAt(text, span, table, draft), isToken: true });
    at = span.to;
  }
  return [...parts, ...sweepPlain(text.slice(at), table, draft)];
}

/** Teaches nothing, so nothing is left to sweep after it. */
function hidePlain(text: string, table: Table, draft: Draft): Part[] {
  if (findAll(text, table).length === 0) return [{ text, isToken: false }];
  return [{ text: tokensOf(text, table, draft), isToken: true }];
}

/** Spans in the text as written. */
function findAll(text: string, table: Table): Find[] {
  const folded = fold(text);
  const found = table.known.find(folded).map((span): Find => ({ ...span, isOfCase: true }));
  for (const [from, to] of emailsIn(folded.text)) found.push({ from, to, class: "email", isOfCase: false });
  for (const [from, to] of phonesIn(folded.text)) found.push({ from, to, class: "phone", isOfCase: false });
  for (const [from, to] of tokenAlikes(folded.text)) found.push({ from, to, class: "other", isOfCase: false });
  return [...found.map((find) => asWritten(find, folded)), ...exactTokens(text)];
}

function asWritten(find: Find, folded: Folded): Find {
  return { ...find, from: folded.from(find.from), to: folded.to(find.to - 1) };
}

/** What already is a token to the letter; folding may have joined it with what stands beside it. */
function exactTokens(text: string): Find[] {
  const spans: Find[] = [];
  let from = 0;
  for (const [place, part] of splitAtTokens(text).entries()) {
    if (place % 2 === 1) spans.push({ from, to: from + part.length, class: "other", isOfCase: false });
    from += part.length;
  }
  return spans;
}

/** The longest finds first, none over another, in order of place. */
function longestApart(finds: Find[], length: number): Span[] {
  const taken = new Uint8Array(length);
  const bySize = finds.toSorted((a, b) => b.to - b.from - (a.to - a.from) || rank(b) - rank(a));
  const kept = bySize.flatMap((find) => {
    const span = freeOf(find, taken);
    if (span !== undefined) taken.fill(1, span.from, span.to);
    return span ?? [];
  });
  return kept.sort((a, b) => a.from - b.from);
}

/** The find where nothing of it is taken; of a value of the case what is left, which no longer stands for that value. */
function freeOf(find: Find, taken: Uint8Array): Span | undefined {
  if (!taken[find.from] && !taken[find.to - 1]) return find; // what is taken is longer, so an overlap covers an end
  const from = taken.indexOf(0, find.from);
  const to = taken.lastIndexOf(0, find.to - 1) + 1;
  return find.isOfCase && from !== -1 && from < to ? { from, to, class: "other" } : undefined;
}

/** Of two finds of one length: what is known before what only has the shape. */
function rank(span: Span): number {
  return span.known === undefined ? 0 : 1;
}

function tokenAt(text: string, { from, to, class: name, known }: Span, table: Table, draft: Draft): string {
  const written = text.slice(from, to);
  if (known !== undefined && (name === "phone" || name === "customer")) return table.use(known, draft);
  if (written.length <= VALUE_CHARS_MAX) return table.tokenFor(name, written, draft);
  return tokensOf(written, table, draft);
}

function tokensOf(written: string, table: Table, draft: Draft): string {
  return pieces(written)
    .map((piece) => table.tokenFor("other", piece, draft))
    .join("");
}

function pieces(text: string): string[] {
  const count = Math.ceil(text.length / VALUE_CHARS_MAX);
  return Array.from({ length: count }, (_, at) => text.slice(at * VALUE_CHARS_MAX, (at + 1) * VALUE_CHARS_MAX));
}
