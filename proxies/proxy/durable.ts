/**
 * A proxy's own durable records: one LMDB environment with one opener.
 *
 * Threat: an answer leaves before what it says is on disk, or half of a decision is.
 * Contract: `commit` runs decisions of one turn of the event loop in one transaction and settles when that is on disk. Work reads and
 * checks first, then writes; there is no write outside it.
 * Failure: a throw inside the work aborts the transaction and ends the process: a crash is *later*.
 */
import { type Database, type Key, open, TransactionFlags } from "lmdb";
import type { Log } from "../../kernel/process/log.ts";

export type Table<V> = Pick<Database<V, Key>, "get" | "putSync" | "removeSync" | "getRange" | "getKeys">;

export type Durable = {
  table<V>(name: string): Table<V>;
  /** `work` must not throw and must not wait. */
  commit<T>(work: () => T): Promise<T>;
  close(): Promise<void>;
};

const MAP_BYTES = 16 * 1024 ** 3;
const TABLES_MAX = 8;
/** transactionSync of lmdb-js: abortable, committed and flushed when it returns. */
const ABORTABLE_SYNCHRONOUS = TransactionFlags.ABORTABLE | TransactionFlags.SYNCHRONOUS_COMMIT;
/** EX_SOFTWARE of sysexits(3). */
const EXIT_DEFECT = 70;

/** Opens (or makes) the environment in `folder`. One process, once. */
export function openDurable(folder: string, log: Log): Durable {
  const root = open({ path: folder, maxDbs: TABLES_MAX, mapSize: MAP_BYTES, overlappingSync: false, cache: false });
  let queue: (() => () => void)[] = [];

  function commitQueue(): void {
    const works = queue;
    queue = [];
    try {
      const settles = root.transactionSync(() => works.map((work) => work()), ABORTABLE_SYNCHRONOUS);
      for (const settle of settles) settle();
    } catch (error) {
      log.fatal({ err: error }, "a commit failed");
      process.exit(EXIT_DEFECT);
    }
  }

  return {
    table: <V>(name: string) => root.openDB<V, Key>({ name, encoding: "json", cache: false }),
    commit(work) {
      return new Promise((resolve) => {
        if (queue.length === 0) setImmediate(commitQueue);
        queue.push(() => {
          const value = work();
          return () => resolve(value);
        });
      });
    },
    close: () => root.close(),
  };
}
