/**
 * Group commit: decisions that arrive in one turn of the event loop are taken one after the other in ONE write transaction,
 * and every answer leaves only after that transaction is durable. While the disk is waited for, requests gather at the
 * sockets; they are the next group.
 *
 * Failure: a decision that throws is a defect of ours: the whole group leaves nothing, every caller of it and of any later
 * group gets the error, and the process ends. So it does when the disk does not take a group after all: LMDB has left the file as it was, but what
 * its binding does then to this process's memory is not to be relied on (it prints into a buffer that may be too short).
 */
import type { Store } from "./store.ts";

/** Decides inside a write transaction. Settles with what `decide` returned once that is durable. */
export type Commit = <T>(decide: () => T) => Promise<T>;

/** Decides with the next group, before everything that comes after it, or alone when none comes for RIDE_MS. Nobody waits for it. */
export type Ride = (decide: () => void) => void;

export type Commits = {
  commit: Commit;
  ride: Ride;
  /** Whether groups wait, undecided, until the disk may be written. */
  blocked: () => boolean;
};

/** Between two looks whether it may. */
const AGAIN_MS = 500;
/** The longest a decision nobody waits for is kept in memory alone. */
const RIDE_MS = 20;

type Entry = { decide: () => void; settle: () => void; fail: (error: unknown) => void };

/** `mayWrite` is asked before each group: nothing is decided that the disk would not take. */
export function groupCommit(store: Pick<Store, "transaction">, mayWrite: () => boolean = () => true): Commits {
  let group: Entry[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let riding: NodeJS.Timeout | undefined;
  let broken: { error: unknown } | undefined;
  let again: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(riding);
    clearImmediate(scheduled);
    scheduled = riding = undefined;
    if (again !== undefined) return;
    if (!mayWrite()) {
      again = setTimeout(tryAgain, AGAIN_MS);
      return;
    }
    const entries = group;
    group = [];
    try {
      if (broken !== undefined) throw broken.error;
      store.transaction(() => {
        for (const entry of entries) entry.decide();
      });
    } catch (error) {
      broken ??= { error };
      for (const entry of entries) entry.fail(error);
      return;
    }
    for (const entry of entries) entry.settle();
  }

  function tryAgain(): void {
    again = undefined;
    flush();
  }

  return {
    commit: <T>(decide: () => T) =>
      new Promise<T>((resolve, reject) => {
        let value: T;
        scheduled ??= setImmediate(flush);
        group.push({
          decide: () => {
            value = decide();
          },
          settle: () => resolve(value),
          fail: reject,
        });
      }),
    ride(decide) {
      riding ??= setTimeout(flush, RIDE_MS);
      group.push({ decide, settle: () => undefined, fail: rethrow });
    },
    blocked: () => again !== undefined,
  };
}

/** Nobody waits who could be told: the process ends. */
function rethrow(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
