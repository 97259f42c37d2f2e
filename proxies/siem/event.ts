/** A record with its body and what carriers want to know of it. */
import type { Format, LogRecord } from "./record.ts";

export type Event = {
  record: LogRecord;
  /** The body: one line. */
  line: string;
  /** In ms: when the entry was decided, or the checkpoint sent. */
  time: number;
  /** The entry's verb, or `checkpoint`. */
  name: string;
  refused: boolean;
};

export function eventOf(record: LogRecord, format: Format, appliance: string, now: () => number): Event {
  const line = format(record, appliance);
  if (record.kind === "checkpoint") return { record, line, time: now(), name: record.kind, refused: false };
  const { time, verb, decision } = JSON.parse(record.text) as { time: number; verb: string; decision?: string };
  return { record, line, time, name: verb, refused: decision === "refused" };
}

/** Where a record stands in the log, by names that are the same with every carrier. */
export function placeOf(record: LogRecord): [name: string, value: string | number][] {
  if (record.kind === "checkpoint")
    return [
      ["size", record.size],
      ["root", record.root],
    ];
  const { index, leaf, prev } = record;
  return [
    ["index", index],
    ["leaf", leaf],
    ["prev", prev],
  ];
}
