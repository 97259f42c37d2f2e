/** One task's entries as a story: who asked, who did it under which keys, what was allowed or refused and why, how much money, how it ended. Pure. */
import type { AuditLine } from "../../kernel/abi/console-messages.ts";
import type { Entry } from "../../kernel/abi/entry.ts";
import { money } from "./money.ts";
import { type Cell, count, list, localTime, printable, table } from "./text.ts";

type Numbered = { index: number; entry: Entry };

/** Characters of a line; what is longer goes on in the entry itself (`--json`). */
export const STORY_CHARS_MAX = 120;

/** Entries of one task in the order of the log. */
export function showStory(lines: readonly AuditLine[]): string {
  const entries = lines.map(({ index, entry }) => ({ index, entry: entry as unknown as Entry }));
  const [first] = entries;
  if (first === undefined) return count(0, "entry", "entries");
  const live = entries.filter(({ entry }) => entry.mode === undefined);
  const beside = entries.filter(({ entry }) => entry.mode !== undefined);
  const parts = [list(headOf(first.entry, live)), chapter(live)];
  if (beside.length > 0) parts.push(`Beside it, without effects:\n${chapter(beside)}`);
  return cut(parts.join("\n\n"));
}

function headOf(first: Entry, entries: readonly Numbered[]): [string, Cell][] {
  const submit = entries.find(({ entry }) => entry.verb === "submit")?.entry;
  const people = new Set(entries.flatMap(({ entry }) => (entry.verb === "take" ? [entry.who as string] : [])));
  const roles = new Set(entries.flatMap(({ entry }) => (entry.verb === "claim" ? [entry.role as string] : [])));
  const begun = entries.filter(({ entry }) => entry.verb === "claim" && entry.who === undefined).length;
  return [
    ["task", first.task ?? null],
    ["asked by", submit === undefined ? null : `${submit.who}, kind ${submit.kind}, ${localTime(submit.time)}`],
    ["on behalf of", `the customer of ${first.case ?? submit?.case ?? "a case"}`],
    ["worked by", [...roles, ...people].join(", ") || "nobody yet"],
    ["attempts", begun],
    ["money", moneyOf(entries)],
    ["refused", refusedOf(entries)],
    ["ended", endedOf(entries)],
  ];
}

/** Of each currency what stays reserved or spent of the task, whatever was given back. */
function moneyOf(entries: readonly Numbered[]): string {
  const sums = new Map<string, number>();
  for (const { entry } of entries)
    for (const { scope, unit, amount } of entry.ledger ?? [])
      if (scope === "task" && unit !== null) sums.set(unit, (sums.get(unit) ?? 0) + amount);
  return [...sums].map(([unit, amount]) => money(amount, unit)).join(", ") || "none";
}

function refusedOf(entries: readonly Numbered[]): string {
  const counts = new Map<string, number>();
  for (const { entry } of entries)
    if (isRefused(entry) && entry.code !== undefined) counts.set(entry.code, (counts.get(entry.code) ?? 0) + 1);
  return [...counts].map(([code, of]) => (of === 1 ? code : `${code} ${of} times`)).join(", ") || "nothing";
}

function isRefused({ decision, outcome }: Entry): boolean {
  return decision === "refused" || outcome === "refused";
}

function endedOf(entries: readonly Numbered[]): string {
  const [begin] = entries;
  const ends = entries.filter(({ entry }) => entry.outcome === "Completed" || entry.outcome === "Failed");
  const end = ends.at(-1)?.entry;
  if (begin === undefined || end === undefined) return "not yet";
  const why = end.code === undefined ? "" : ` (${end.code})`;
  const told = entries.find(({ entry }) => entry.verb === "receipt")?.entry;
  const heard = told === undefined ? "" : `; ${told.who} has the answer`;
  return `${end.outcome}${why} after ${seconds(end.time - begin.entry.time)}${heard}`;
}

function chapter(entries: readonly Numbered[]): string {
  const begin = entries[0]?.entry.time ?? 0;
  const rows = entries.map(({ index, entry }): Cell[] => [
    index,
    seconds(entry.time - begin),
    entry.who ?? entry.role ?? "silo",
    told(entry),
  ]);
  return table(["ENTRY", "AFTER", "WHO", "WHAT"], rows);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** What an entry says, in a sentence without its subject. */
function told(entry: Entry): string {
  const { verb, step, capability, decision, code, outcome, event, role, kind } = entry;
  const call = `step ${step}  ${capability ?? "an unknown capability"}`;
  const why = code === undefined ? "" : `: ${code}`;
  switch (verb) {
    case "submit":
      return `asks for ${kind}; it goes to ${role}`;
    case "claim":
      return `begins attempt ${entry.epoch} in ${entry.cell}, keys ${(entry.keys ?? []).join(" ")}`;
    case "intend":
      return `${call}  ${decision}${why}${amountsOf(entry)}`;
    case "outcome":
      return `${call}  ${decision === "refused" ? "a report was not believed" : `ended ${outcome}`}${why}${amountsOf(entry)}`;
    case "decide":
      return entry.who === undefined
        ? `${call}  did it happen? its proxy is asked`
        : `${call}  says it ${outcome === "happened" ? "happened" : "did not happen"}${amountsOf(entry)}`;
    case "settle":
      return `${event ?? "the attempt is over"}${why}; the task ${standing(outcome)}`;
    case "finding":
      return `refused at the membrane${why}${capability === undefined ? "" : ` (${capability})`}`;
    case "refusal":
      return `asked for ${entry.asked} and was refused${why}`;
    default:
      return words(entry);
  }
}

function standing(outcome: Entry["outcome"]): string {
  if (outcome === "ready") return "is tried again";
  if (outcome === "waiting") return "waits";
  return outcome === undefined ? "goes on" : `is ${outcome}`;
}

const said: Partial<Record<Entry["verb"], string>> = {
  expire: "the attempt is void: its cell or its keys are gone",
  receipt: "has acknowledged the answer",
  undeliverable: "the answer cannot be delivered as it stands",
  take: "takes the task",
  finish: "ends the task",
  return: "hands the task back",
};

function words({ verb, code, event, outcome }: Entry): string {
  return [said[verb] ?? verb, code, event, outcome].filter((word) => word !== undefined).join("  ");
}

/** What it added to the task's totals, or gave back. */
function amountsOf({ ledger = [] }: Entry): string {
  const own = ledger.filter(({ scope, unit }) => scope === "task" && unit !== null);
  const texts = own.map(({ amount, unit }) =>
    amount < 0 ? `${money(-amount, unit as string)} given back` : money(amount, unit as string),
  );
  return texts.length === 0 ? "" : `  ${texts.join(", ")}`;
}

function cut(text: string): string {
  const short = (line: string) => (line.length > STORY_CHARS_MAX ? `${line.slice(0, STORY_CHARS_MAX - 1)}…` : line);
  return printable(text, "\n").split("\n").map(short).join("\n");
}
