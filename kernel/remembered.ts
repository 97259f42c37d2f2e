/**
 * What every call reads again is kept in memory beside the disk. The store has one writer, in this process: both always say the same.
 *
 * Threat: a decision is taken from something that was never committed, or from something that a caller changed in memory.
 * Contract: what is remembered was read from the table and is frozen; whatever writes a record forgets it, a transaction that throws
 * empties the whole `memory`.
 * Failure: what is not remembered is read.
 */
import type { Key, Table } from "./table.ts";

/** Everything that is remembered of one store, emptied together. */
export type Memory = Map<unknown, unknown>[];

/** Records of one table: more than are in hand at once, on as many slots as there can be. */
export const RECORDS_MAX = 256;

/** A table of records by one name each. What `get` returns belongs to everybody. */
export function rememberRecords<V extends object>(table: Table<V>, memory: Memory): Table<V> {
  const known = new Map<Key, V>();
  memory.push(known);

  function read(key: Key): V | undefined {
    const value = table.get(key);
    if (value === undefined) return undefined;
    if (known.size >= RECORDS_MAX) known.clear();
    known.set(key, frozen(value));
    return value;
  }
  return {
    ...table,
    get: (key) => known.get(key) ?? read(key),
    put(key, value) {
      known.delete(key);
      table.put(key, value);
    },
    remove(key) {
      known.delete(key);
      return table.remove(key);
    },
  };
}

/** To the last of what a record holds: it was JSON, so nothing in it holds itself. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) frozen(part);
  return Object.freeze(value);
}

/** A table whose keys are numbers and grow: it knows its last one. */
export function rememberLast<V>(table: Table<V>, memory: Memory): Table<V> {
  const known = new Map<"last", number>();
  memory.push(known);

  function read(): number | undefined {
    const last = table.last() as number | undefined;
    if (last !== undefined) known.set("last", last);
    return last;
  }
  return {
    ...table,
    last: () => known.get("last") ?? read(),
    put(key, value) {
      table.put(key, value);
      const last = known.get("last");
      if (last !== undefined) known.set("last", Math.max(last, key as number));
    },
    remove(key) {
      known.clear();
      return table.remove(key);
    },
  };
}
