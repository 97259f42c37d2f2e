/**
 * Group commit: decisions that arrive in one turn of the event loop are taken one after the other in ONE write transaction,
 * and every answer leaves only after that transaction is durable. While the disk is waited for, requests gather at the
 * sockets; they are the next group.
 *
 * Failure: a decision that throws is a defect of ours: the whole group leaves nothing, every caller of it and of any later
 * group gets the error, and the process ends.
 */
import type { Store } from "./store.ts";

/** Decides inside a write transaction. Settles with what `decide` returned once that is durable. */
export type Commit = <T>(decide: () => T) => Promise<T>;

/** Decides with the next group, before everything that comes after it, or alone when none comes for RIDE_MS. Nobody waits for it. */
export type Ride = (decide: () => void) => void;

/** The longest a decision nobody waits for is kept in memory alone. */
const RIDE_MS = 20;

type Entry = { decide: () => void; settle: () => void; fail: (error: unknown) => void };

export function groupCommit(store: Pick<Store, "transaction">): { commit: Commit; ride: Ride } {
  let group: Entry[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let riding: NodeJS.Timeout | undefined;
  let broken: { error: unknown } | undefined;

  function flush(): void {
    const entries = group;
    group = [];
    clearTimeout(riding);
    clearImmediate(scheduled);
    scheduled = riding = undefined;
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
  };
}

/** Nobody waits who could be told: the process ends. */
function rethrow(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
