/** JSON of our own: the entry as its bytes stand in the log under `raw`, so that whoever receives it can hash it. */
import type { LogRecord } from "../record.ts";

export function native(record: LogRecord, appliance: string): string {
  if (record.kind === "checkpoint") {
    const { size, root, note } = record;
    return JSON.stringify({ log: appliance, kind: "checkpoint", size, root, note });
  }
  const { index, leaf, prev, text } = record;
  return JSON.stringify({ log: appliance, kind: "entry", index, leaf, prev, raw: text });
}
