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
import type { Table } from "../proxy/durable.ts";
import { CASE_KEYS_MAX, LIST_ITEMS_MAX, VALUE_BYTES_MAX } from "./bounds.ts";

/** What a key holds. `expires` in ms since 1970, null for never; a list's items stand in their own table. */
export type Entry =
  | { kind: "value"; value: string; expires: number | null }
  | { kind: "counter"; count: number }
  | { kind: "list"; length: number };

export type Keys = {
  /** [case, key]. */
  entries: Table<Entry>;
  /** [case, list, index]. */
  items: Table<string>;
};

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
  const fault = entry && entry.kind !== "value" ? otherKind(entry) : (valueFault(value) ?? roomFault(keys, at, entry));
  if (fault !== undefined) return fault;
  const expires = seconds === undefined ? null : at.now + seconds * 1000;
  keys.entries.putSync([at.case, key], { kind: "value", value, expires });
  return done({ stored: true });
};

const increment: Command = (keys, at, values) => {
  const key = values["key"] as string;
  const entry = live(keys, at, key);
  const fault = entry && entry.kind !== "counter" ? otherKind(entry) : roomFault(keys, at, entry);
  if (fault !== undefined) return fault;
  const count = (entry?.kind === "counter" ? entry.count : 0) + (values["by"] as number);
  if (!Number.isSafeInteger(count)) return refused("CONFLICT", "The counter cannot count that far.");
  keys.entries.putSync([at.case, key], { kind: "counter", count });
  return done({ value: count });
};

const push: Command = (keys, at, values) => {
  const list = values["list"] as string;
  const value = values["value"] as string;
  const entry = live(keys, at, list);
  const fault = entry && entry.kind !== "list" ? otherKind(entry) : (valueFault(value) ?? roomFault(keys, at, entry));
  if (fault !== undefined) return fault;
  const length = entry?.kind === "list" ? entry.length : 0;
  if (length >= LIST_ITEMS_MAX) return refused("CONFLICT", `The list holds ${LIST_ITEMS_MAX} items already.`);
  keys.items.putSync([at.case, list, length], value);
  keys.entries.putSync([at.case, list], { kind: "list", length: length + 1 });
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

function isExpired(entry: Entry, now: number): boolean {
  return entry.kind === "value" && entry.expires !== null && entry.expires <= now;
}

function drop(keys: Keys, of: string, key: string): boolean {
  const entry = keys.entries.get([of, key]);
  if (entry?.kind === "list") for (let at = 0; at < entry.length; at++) keys.items.removeSync([of, key, at]);
  return keys.entries.removeSync([of, key]);
}

function otherKind(entry: Entry): End<never> {
  return refused("CONFLICT", `The key holds a ${entry.kind}; use another key or delete it first.`);
}

function valueFault(value: string): End<never> | undefined {
  if (Buffer.byteLength(value) <= VALUE_BYTES_MAX) return undefined;
  return refused("CONFLICT", `A value is at most ${VALUE_BYTES_MAX} bytes when sealed.`);
}

/** A new key needs room in its case. What has expired makes room. */
function roomFault(keys: Keys, at: { case: string; now: number }, entry: Entry | undefined): End<never> | undefined {
  if (entry !== undefined || countKeys(keys, at.case) < CASE_KEYS_MAX) return undefined;
  if (sweepExpired(keys, at) > 0) return undefined;
  return refused("CONFLICT", `The case holds ${CASE_KEYS_MAX} keys already; delete one first.`);
}

function countKeys(keys: Keys, of: string): number {
  let count = 0;
  for (const _ of keys.entries.getKeys({ start: [of, ""], end: afterCase(of) })) count++;
  return count;
}

function sweepExpired(keys: Keys, at: { case: string; now: number }): number {
  const rows = Array.from(keys.entries.getRange({ start: [at.case, ""], end: afterCase(at.case) }));
  const expired = rows.filter(({ value }) => isExpired(value, at.now));
  for (const { key } of expired) keys.entries.removeSync(key);
  return expired.length;
}

/** The least key behind all keys of a case: ids are all of one length, and "~" sorts behind their characters. */
function afterCase(of: string): string[] {
  return [`${of}~`];
}
