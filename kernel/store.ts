/**
 * The one durable store: an LMDB environment with one opener. Queue, ledger, journal and audit entries change in the
 * same transaction.
 *
 * Threat: an answer leaves before what it says is on disk, or half of a decision is.
 * Contract: `transaction` runs its work whole and returns when it is durable, or leaves nothing at all. Nothing can be written outside it.
 * Failure: a throw inside the work aborts all of it and comes out again; the caller must not go on with what it had decided.
 */
import { type Database, open, TransactionFlags } from "lmdb";
import type {
  Assignment,
  Case,
  Ended,
  Idempotency,
  JournalEntry,
  Lease,
  LogRecord,
  Meta,
  Ready,
  Role,
  Submission,
  Task,
  Undelivered,
  Waiting,
} from "./records.ts";

export type Part = string | number;
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
export type Row<V> = { key: Key; value: V };
export type RangeOptions = { limit?: number; reverse?: boolean };

export type Store = {
  cases: Table<Case>;
  /** [case, n] -> what the vault sealed, in the order it came. */
  caseTables: Table<string>;
  tasks: Table<Task>;
  submissions: Table<Submission>;
  assignments: Table<Assignment>;
  ready: Table<Ready>;
  /** [role, due, task] -> assignment: the order in which the ready tasks of a role are claimed. */
  due: Table<string>;
  leases: Table<Lease>;
  waiting: Table<Waiting>;
  ended: Table<Ended>;
  /** [assignment, step]. */
  journal: Table<JournalEntry>;
  /** By assignment: bytes of arguments and sealed values its journal holds. */
  journalBytes: Table<number>;
  /** [assignment, step] -> task: effects that are intended and have no outcome. */
  open: Table<string>;
  /** Total by the key of ledger.ts. */
  ledger: Table<number>;
  /** By index from 0. */
  audit: Table<LogRecord>;
  /** [task, index]: the entries of one task. */
  auditByTask: Table<true>;
  /** By task. */
  outbox: Table<Undelivered>;
  /** [frontend, idempotency key]. */
  idempotency: Table<Idempotency>;
  roles: Table<Role>;
  meta: Table<Meta>;
  /** Runs `work` in one write transaction and returns its value once it is durable. A throw leaves nothing. Does not nest. */
  transaction<T>(work: () => T): T;
  close(): Promise<void>;
};

const MAP_BYTES = 64 * 1024 ** 3;
const TABLES_MAX = 32;
/** transactionSync flags of lmdb-js: abortable, committed and flushed when it returns. */
const ABORTABLE_SYNCHRONOUS = TransactionFlags.ABORTABLE | TransactionFlags.SYNCHRONOUS_COMMIT;
/** Sort before and after every string and number in lmdb's ordered keys. */
const BEFORE_ALL = null as unknown as Part;
const AFTER_ALL = Buffer.from([0xff]) as unknown as Part;

/** Opens (or makes) the store in `folder`. One process, once. */
export function openStore(folder: string): Store {
  const root = open({
    path: folder,
    maxDbs: TABLES_MAX,
    mapSize: MAP_BYTES,
    encoding: "json",
    overlappingSync: false,
    cache: false,
  });
  let writing = false;
  const table = <V>(name: string): Table<V> =>
    typedTable(root.openDB<V, Key>({ name, encoding: "json" }), () => writing);
  return {
    cases: table("cases"),
    caseTables: table("case_tables"),
    tasks: table("tasks"),
    submissions: table("submissions"),
    assignments: table("assignments"),
    ready: table("ready"),
    due: table("due"),
    leases: table("leases"),
    waiting: table("waiting"),
    ended: table("ended"),
    journal: table("journal"),
    journalBytes: table("journal_bytes"),
    open: table("open"),
    ledger: table("ledger"),
    audit: table("audit"),
    auditByTask: table("audit_by_task"),
    outbox: table("outbox"),
    idempotency: table("idempotency"),
    roles: table("roles"),
    meta: table("meta"),
    transaction(work) {
      if (writing) throw new Error("A transaction does not nest.");
      writing = true;
      try {
        return root.transactionSync(work, ABORTABLE_SYNCHRONOUS);
      } finally {
        writing = false;
      }
    },
    close: () => root.close(),
  };
}

function typedTable<V>(db: Database<V, Key>, writing: () => boolean): Table<V> {
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
