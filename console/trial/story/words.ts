/** How the story words what the records hold. Pure. */
import type { AuditLine } from "../../../kernel/abi/console-messages.ts";
import type { TaskAnswer } from "../../cli/frontend.ts";

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

export function textOf({ answer }: TaskAnswer): string {
  return answer === undefined || answer === "pending" ? "" : answer.text;
}

export function fieldsOf({ answer }: TaskAnswer): Record<string, unknown> {
  return answer === undefined || answer === "pending" ? {} : answer.fields;
}

/** Text of several lines on one. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

export function hasToken(text: string): boolean {
  return /\[[A-Z]+_\d+\]|tok_[0-9a-z]{8}/.test(text);
}

/** `#12 19:20:04.120 intend refund:create step 3: allowed`: what one entry says, without its ids and digests. */
export function entryWords({ index, entry }: AuditLine): string {
  const word = (name: string) => (entry[name] === undefined ? "" : String(entry[name]));
  const step = entry["step"] === undefined ? "" : `step ${entry["step"]}`;
  const said = [word("decision"), word("code"), word("outcome"), word("event")].filter(Boolean).join(", ");
  const done = [word("verb"), word("capability"), step, entry["who"] === undefined ? "" : `by ${entry["who"]}`];
  const time = new Date(Number(entry["time"])).toISOString().slice(11, 23);
  return `#${index} ${time} ${done.filter(Boolean).join(" ")}${said === "" ? "" : `: ${said}`}`;
}

export function countBy<T>(all: readonly T[], key: (one: T) => string | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of all) {
    const name = key(one);
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Codes of everything that was refused, and how often. */
export function refusedCodes(entries: readonly AuditLine[]): Record<string, number> {
  return countBy(entries, ({ entry }) => {
    const refused = entry["decision"] === "refused" || entry["outcome"] === "refused" || entry["verb"] === "finding";
    if (!refused) return undefined;
    return entry["code"] === undefined ? undefined : String(entry["code"]);
  });
}

/** For each code the first entry that has it and was not taken for an earlier one; undefined where there is none. */
export function entriesOf(codes: readonly string[], entries: readonly AuditLine[]): (AuditLine | undefined)[] {
  const taken = new Set<AuditLine>();
  return codes.map((code) => {
    const found = entries.find((entry) => entry.entry["code"] === code && !taken.has(entry));
    if (found !== undefined) taken.add(found);
    return found;
  });
}

/** Minor units of USD as people write them. */
export function usd(minor: number): string {
  return `${(minor / 100).toFixed(2)} USD`;
}
