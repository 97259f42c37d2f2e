/** `silo audit show` and `silo audit schema`. */
import type { AuditLine } from "../../kernel/abi/console-messages.ts";
import { publishedSchema } from "../../kernel/abi/entry.ts";
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { count, localTime, table } from "./text.ts";

export type AuditOptions = { task?: string; from?: number; limit: number };

/** Without a beginning: a task's entries from its first, the whole log's newest. */
export async function auditShow(world: World, { task, from, limit }: AuditOptions): Promise<Output> {
  const found = await withKernel(findPlaces(world.state), world.person, async (ask) => {
    const newest = async () => Math.max(0, (await ask("status", {})).audit_entries - limit);
    const begin = from ?? (task === undefined ? await newest() : 0);
    return ask("audit_show", { task: task ?? null, from: begin, limit });
  });
  const more = found.next === null ? "" : `\nMore with --from ${found.next}.`;
  return { json: found, text: `${showEntries(found.entries)}${more}` };
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
