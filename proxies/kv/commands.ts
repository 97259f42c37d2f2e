/**
 * The commands of the kv proxy on the keys of ONE case: a small store that no other case sees.
 *
 * Threat: a case fills the disk, reads another case's keys, or finds a value another kind of command put there.
 * Contract: every key begins with the case of the permit. A key holds one thing: a value, a counter or a list; an expired value is not
 * there. Each command checks everything first and then writes.
 * Failure: CONFLICT with a sentence; nothing was written.
 */
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import { LIST_ITEMS_MAX, VALUE_BYTES_MAX } from "./bounds.ts";
import { drop, type Entry, isExpired, itemSize, type Keys, putEntry, putItem, roomFault } from "./room.ts";

/** One command. Those that write run inside a transaction. */
export type Command = (keys: Keys, at: { case: string; now: number }, values: JsonObject) => End<Json>;

const get: Command = (keys, at, values) => {
  const entry = live(keys, at, values["key"] as string);
  if (entry === undefined) return done(null);
  return entry.kind === "value" ? done({ value: entry.value }) : otherKind(entry);
};

const set: Command = (keys, at, values) => {
  const key = values["key"] as string;
  const value = values["value"] as string;
  const seconds = values["seconds"] as number | undefined;
  const entry = live(keys, at, key);
  if (entry && entry.kind !== "value") return otherKind(entry);
  const expires = seconds === undefined ? null : at.now + seconds * 1000;
  const next: Entry = { kind: "value", value, expires };
  const fault = valueFault(value) ?? roomFault(keys, at, key, next);
  if (fault !== undefined) return fault;
  putEntry(keys, at.case, key, next);
  return done({ stored: true });
};

const increment: Command = (keys, at, values) => {
  const key = values["key"] as string;
  const entry = live(keys, at, key);
  if (entry && entry.kind !== "counter") return otherKind(entry);
  const count = (entry?.count ?? 0) + (values["by"] as number);
  if (!Number.isSafeInteger(count)) return refused("CONFLICT", "The counter cannot count that far.");
  const next: Entry = { kind: "counter", count };
  const fault = roomFault(keys, at, key, next);
  if (fault !== undefined) return fault;
  putEntry(keys, at.case, key, next);
  return done({ value: count });
};

const push: Command = (keys, at, values) => {
  const list = values["list"] as string;
  const value = values["value"] as string;
  const entry = live(keys, at, list);
  if (entry && entry.kind !== "list") return otherKind(entry);
  const length = entry?.length ?? 0;
  if (length >= LIST_ITEMS_MAX) return refused("CONFLICT", `The list holds ${LIST_ITEMS_MAX} items already.`);
  const next: Entry = { kind: "list", length: length + 1 };
  const fault = valueFault(value) ?? roomFault(keys, at, list, next, itemSize(list, value));
  if (fault !== undefined) return fault;
  putItem(keys, at.case, list, length, value);
  putEntry(keys, at.case, list, next);
  return done({ length: length + 1 });
};

const range: Command = (keys, at, values) => {
  const list = values["list"] as string;
  const entry = live(keys, at, list);
  if (entry === undefined) return done([]);
  if (entry.kind !== "list") return otherKind(entry);
  const start = values["from"] as number;
  const end = Math.min(values["to"] as number, entry.length);
  if (end <= start) return done([]);
  const items = keys.items.getRange({ start: [at.case, list, start], end: [at.case, list, end] });
  return done(Array.from(items, ({ value }) => ({ value })));
};

const remove: Command = (keys, at, values) => {
  const key = values["key"] as string;
  const entry = live(keys, at, key);
  const had = drop(keys, at.case, key);
  return done({ deleted: had && entry !== undefined });
};

/** By the `command` of the operation's action. `writes` must be what the declaration says. */
export const commands: Readonly<Record<string, { writes: boolean; run: Command }>> = {
  get: { writes: false, run: get },
  set: { writes: true, run: set },
  increment: { writes: true, run: increment },
  push: { writes: true, run: push },
  range: { writes: false, run: range },
  delete: { writes: true, run: remove },
};

function live(keys: Keys, at: { case: string; now: number }, key: string): Entry | undefined {
  const entry = keys.entries.get([at.case, key]);
  return entry !== undefined && isExpired(entry, at.now) ? undefined : entry;
}

function otherKind(entry: Entry): End<never> {
  return refused("CONFLICT", `The key holds a ${entry.kind}; use another key or delete it first.`);
}

function valueFault(value: string): End<never> | undefined {
  if (Buffer.byteLength(value) <= VALUE_BYTES_MAX) return undefined;
  return refused("CONFLICT", `A value is at most ${VALUE_BYTES_MAX} bytes when sealed.`);
}
