/** `silo audit show` and `silo audit schema`. */
import type { AuditLine } from "../../kernel/abi/console-messages.ts";
import { publishedSchema } from "../../kernel/abi/entry.ts";
import { showStory } from "./audit-story.ts";
import { type Ask, withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { count, localTime, table } from "./text.ts";

/** Times in ms since 1970; `since` is in, `until` is not. */
export type AuditFilter = {
  task?: string;
  case?: string;
  customer?: string;
  role?: string;
  since?: number;
  until?: number;
};
export type AuditOptions = AuditFilter & { from?: number; limit?: number };
type Found = { entries: AuditLine[]; next: number | null };

const LIMIT = 100;
/** A task's story is told whole: so many entries. */
const STORY_LIMIT = 100_000;
/** Entries that are asked for at once. */
const PAGE = 1000;

/** A task as a story, else entries: with a filter from the first that matches, without one the newest. */
export async function auditShow(world: World, options: AuditOptions): Promise<Output> {
  const { from, limit, ...filter } = options;
  const isStory = filter.task !== undefined && Object.keys(options).length === 1;
  const found = await withKernel(findPlaces(world.state), world.person, async (ask) => {
    const most = limit ?? (isStory ? STORY_LIMIT : LIMIT);
    const newest = async () => Math.max(0, (await ask("status", {})).audit_entries - most);
    const begin = from ?? (Object.keys(filter).length === 0 ? await newest() : 0);
    return matching(ask, await resolved(ask, filter), begin, most);
  });
  const more = found.next === null ? "" : `\nMore with --from ${found.next}.`;
  return { json: found, text: `${isStory ? showStory(found.entries) : showEntries(found.entries)}${more}` };
}

/** A customer is a case here: the handle stands for them in that case alone. */
async function resolved(ask: Ask, { customer, ...filter }: AuditFilter): Promise<AuditFilter> {
  if (customer === undefined) return filter;
  const { case: matter } = await ask("case_of", { customer });
  return filter.case === undefined || filter.case === matter ? { ...filter, case: matter } : { ...filter, case: NONE };
}

const NONE = "none";

/** At most `limit` entries that match, and where to go on. Page by page: what does not match is not kept. */
async function matching(ask: Ask, filter: AuditFilter, begin: number, limit: number): Promise<Found> {
  const entries: AuditLine[] = [];
  for (let from: number | null = begin; from !== null; ) {
    const page: Found = await ask("audit_show", { task: filter.task ?? null, from, limit: Math.min(PAGE, limit + 1) });
    for (const line of page.entries) {
      if (!matches(line.entry, filter)) continue;
      if (entries.length === limit) return { entries, next: line.index };
      entries.push(line);
    }
    from = page.next;
  }
  return { entries, next: null };
}

function matches(entry: AuditLine["entry"], { case: matter, role, since, until }: AuditFilter): boolean {
  const time = Number(entry["time"]);
  const named = (name: string, wanted?: string) => wanted === undefined || entry[name] === wanted;
  return named("case", matter) && named("role", role) && time >= (since ?? 0) && time < (until ?? Infinity);
}

/** JSON Schema of the log's entries, for whoever reads them elsewhere. */
export function auditSchema(): Output {
  const schema = publishedSchema();
  return { json: schema, text: JSON.stringify(schema, null, 2) };
}

const columns = ["time", "verb"] as const;

/** Index, time, verb, and then whatever else the entry holds, in its own words. */
export function showEntries(entries: readonly AuditLine[]): string {
  if (entries.length === 0) return count(0, "entry", "entries");
  const rows = entries.map(({ index, entry }) => [
    index,
    localTime(Number(entry["time"])),
    String(entry["verb"]),
    rest(entry),
  ]);
  return table(["INDEX", "TIME", "VERB", "ENTRY"], rows);
}

function rest(entry: AuditLine["entry"]): string {
  const others = Object.entries(entry).filter(([name]) => !columns.some((column) => column === name));
  return others.map(([name, value]) => `${name}=${brief(value)}`).join(" ");
}

/** Digests by their beginning; `--json` has them whole. */
function brief(value: unknown): string {
  if (typeof value === "string") return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value;
  return JSON.stringify(value);
}
