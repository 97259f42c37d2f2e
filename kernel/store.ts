/**
 * The one durable store: an LMDB environment with one opener. Queue, ledger, journal and audit entries change in the
 * same transaction.
 *
 * Threat: an answer leaves before what it says is on disk, or half of a decision is.
 * Contract: `transaction` runs its work whole and returns when it is durable, or leaves nothing at all. Nothing can be written outside it.
 * Failure: a throw inside the work aborts all of it and comes out again; the caller must not go on with what it had decided.
 */
import { open, TransactionFlags } from "lmdb";
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
  Shadow,
  Submission,
  Task,
  Undelivered,
  Waiting,
} from "./records.ts";
import { type Memory, rememberLast, rememberRecords } from "./remembered.ts";
import { type Key, type Table, typedTable } from "./table.ts";

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
  /** By task: the agent's run in shadow beside a person. */
  shadows: Table<Shadow>;
  /** [role, due, task]: those that have not run. */
  shadowsDue: Table<string>;
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
  const memory: Memory = [];
  const table = <V>(name: string): Table<V> =>
    typedTable(root.openDB<V, Key>({ name, encoding: "json" }), () => writing);
  return {
    cases: rememberRecords(table("cases"), memory),
    caseTables: table("case_tables"),
    tasks: rememberRecords(table("tasks"), memory),
    submissions: table("submissions"),
    assignments: rememberRecords(table("assignments"), memory),
    ready: table("ready"),
    due: table("due"),
    leases: rememberRecords(table("leases"), memory),
    waiting: table("waiting"),
    ended: table("ended"),
    journal: table("journal"),
    journalBytes: table("journal_bytes"),
    open: table("open"),
    ledger: table("ledger"),
    audit: rememberLast(table("audit"), memory),
    auditByTask: table("audit_by_task"),
    outbox: table("outbox"),
    idempotency: table("idempotency"),
    shadows: table("shadows"),
    shadowsDue: table("shadows_due"),
    roles: table("roles"),
    meta: table("meta"),
    transaction(work) {
      if (writing) throw new Error("A transaction does not nest.");
      writing = true;
      try {
        return root.transactionSync(work, ABORTABLE_SYNCHRONOUS);
      } catch (error) {
        for (const remembered of memory) remembered.clear();
        throw error;
      } finally {
        writing = false;
      }
    },
    close: () => root.close(),
  };
}
