/**
 * How much a case holds and what still fits, counted as it is written.
 *
 * Threat: one case fills the disk all cases share.
 * Contract: `keys.bytes` is at every commit what the case's keys and values have together; no write goes past a bound.
 * Failure: CONFLICT with a sentence. What has expired makes room first.
 */
import { type End, refused } from "../../kernel/abi/ends.ts";
import type { Table } from "../proxy/durable.ts";
import { CASE_BYTES_MAX, CASE_KEYS_MAX } from "./bounds.ts";

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
  /** case -> bytes of its keys and values. */
  bytes: Table<number>;
};

/** Whether `key` may become `next`, with `itemBytes` beside it. Inside a transaction. */
export function roomFault(
  keys: Keys,
  at: { case: string; now: number },
  key: string,
  next: Entry,
  itemBytes = 0,
): End<never> | undefined {
  const fault = () => keysFault(keys, at.case, key) ?? bytesFault(keys, at.case, key, next, itemBytes);
  const first = fault();
  return first !== undefined && sweepExpired(keys, at) > 0 ? fault() : first;
}

export function putEntry(keys: Keys, of: string, key: string, next: Entry): void {
  charge(keys, of, sizeOf(key, next) - sizeOf(key, keys.entries.get([of, key])));
  keys.entries.putSync([of, key], next);
}

export function putItem(keys: Keys, of: string, list: string, index: number, value: string): void {
  charge(keys, of, itemSize(list, value));
  keys.items.putSync([of, list, index], value);
}

/** Removes a key with all it holds. Whether it was there. */
export function drop(keys: Keys, of: string, key: string): boolean {
  const entry = keys.entries.get([of, key]);
  if (entry?.kind === "list") for (let at = 0; at < entry.length; at++) dropItem(keys, of, key, at);
  charge(keys, of, -sizeOf(key, entry));
  return keys.entries.removeSync([of, key]);
}

/** Bytes an item takes. */
export function itemSize(list: string, value: string): number {
  return Buffer.byteLength(list) + Buffer.byteLength(value);
}

export function isExpired(entry: Entry, now: number): boolean {
  return entry.kind === "value" && entry.expires !== null && entry.expires <= now;
}

function keysFault(keys: Keys, of: string, key: string): End<never> | undefined {
  if (keys.entries.get([of, key]) !== undefined || countKeys(keys, of) < CASE_KEYS_MAX) return undefined;
  return refused("CONFLICT", `The case holds ${CASE_KEYS_MAX} keys already; delete one first.`);
}

function bytesFault(keys: Keys, of: string, key: string, next: Entry, itemBytes: number): End<never> | undefined {
  const more = sizeOf(key, next) - sizeOf(key, keys.entries.get([of, key])) + itemBytes;
  if ((keys.bytes.get(of) ?? 0) + more <= CASE_BYTES_MAX) return undefined;
  return refused("CONFLICT", `The case may hold ${CASE_BYTES_MAX} bytes when sealed; delete something first.`);
}

function dropItem(keys: Keys, of: string, list: string, index: number): void {
  charge(keys, of, -itemSize(list, keys.items.get([of, list, index]) ?? ""));
  keys.items.removeSync([of, list, index]);
}

function sizeOf(key: string, entry: Entry | undefined): number {
  if (entry === undefined) return 0;
  return Buffer.byteLength(key) + (entry.kind === "value" ? Buffer.byteLength(entry.value) : 0);
}

function charge(keys: Keys, of: string, bytes: number): void {
  keys.bytes.putSync(of, Math.max(0, (keys.bytes.get(of) ?? 0) + bytes));
}

function countKeys(keys: Keys, of: string): number {
  let count = 0;
  for (const _ of keys.entries.getKeys({ start: [of, ""], end: afterCase(of) })) count++;
  return count;
}

function sweepExpired(keys: Keys, at: { case: string; now: number }): number {
  const rows = Array.from(keys.entries.getRange({ start: [at.case, ""], end: afterCase(at.case) }));
  const expired = rows.filter(({ value }) => isExpired(value, at.now));
  for (const { key } of expired) drop(keys, at.case, (key as [string, string])[1]);
  return expired.length;
}

/** The least key behind all keys of a case: ids are all of one length, and "~" sorts behind their characters. */
function afterCase(of: string): string[] {
  return [`${of}~`];
}
