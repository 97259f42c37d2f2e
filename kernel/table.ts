/** One table of the store: typed records in key order, written inside a transaction only. */
import type { Database } from "lmdb";

type Part = string | number;
export type Key = Part | Part[];

export type Table<V> = {
  get(key: Key): V | undefined;
  has(key: Key): boolean;
  /** Only inside a transaction. */
  put(key: Key, value: V): void;
  /** Only inside a transaction. True if there was one. */
  remove(key: Key): boolean;
  /** All records whose key begins with these parts and goes on, in key order. */
  under(prefix: Part[], options?: RangeOptions): Row<V>[];
  /** Records with `start` <= key < `end`, in key order. */
  between(start: Key, end: Key, options?: { limit?: number }): Row<V>[];
  /** Every record, in key order. */
  all(): Row<V>[];
  count(): number;
  /** The last key, or undefined when there is none. */
  last(): Key | undefined;
};
type Row<V> = { key: Key; value: V };
type RangeOptions = { limit?: number; reverse?: boolean };

/** Sort before and after every string and number in lmdb's ordered keys. */
const BEFORE_ALL = null as unknown as Part;
const AFTER_ALL = Buffer.from([0xff]) as unknown as Part;

/** `writing` tells whether a transaction is open. */
export function typedTable<V>(db: Database<V, Key>, writing: () => boolean): Table<V> {
  const mustWrite = () => {
    if (!writing()) throw new Error("The store is only written inside a transaction.");
  };
  const rows = (range: Iterable<{ key: Key; value: V }>): Row<V>[] =>
    Array.from(range, ({ key, value }) => ({ key, value }));
  return {
    get: (key) => db.get(key),
    has: (key) => db.doesExist(key),
    put(key, value) {
      mustWrite();
      db.putSync(key, value);
    },
    remove(key) {
      mustWrite();
      return db.removeSync(key);
    },
    under(prefix, { limit, reverse } = {}) {
      const low = [...prefix, BEFORE_ALL];
      const high = [...prefix, AFTER_ALL];
      const bounds = reverse ? { start: high, end: low } : { start: low, end: high };
      return rows(db.getRange({ ...bounds, reverse: reverse ?? false, ...(limit === undefined ? {} : { limit }) }));
    },
    between: (start, end, { limit } = {}) =>
      rows(db.getRange({ start, end, ...(limit === undefined ? {} : { limit }) })),
    all: () => rows(db.getRange()),
    count: () => db.getCount(),
    last: () => [...db.getKeys({ reverse: true, limit: 1 })][0],
  };
}
