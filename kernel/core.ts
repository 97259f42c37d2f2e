/** What every decision of the kernel is made with; clock, randomness and disk are handed in. */
import type { CheckArguments } from "./abi/arguments.ts";
import type { Later } from "./abi/ends.ts";
import { ENTRY_VERSION, type Entry, type Told, type Verb } from "./abi/entry.ts";
import type { Operations } from "./abi/operations.ts";
import type { PermitKey } from "./abi/permit.ts";
import type { Settings } from "./abi/settings.ts";
import { append } from "./audit/log.ts";
import type { Commit, Ride } from "./commit.ts";
import type { Assignment, Case, Task } from "./records.ts";
import type { Roles } from "./roles.ts";
import type { TransitionMap } from "./route.ts";
import type { Store } from "./store.ts";

export type Core = {
  store: Store;
  commit: Commit;
  ride: Ride;
  /** Whether something decided waits for the disk to take it. */
  blocked: () => boolean;
  /** Why nothing new may begin, for whoever wants to begin it; null: it may (stop.ts). */
  stopped: () => Later | null;
  operations: Operations;
  /** By capability: the check of its arguments. */
  checks: ReadonlyMap<string, CheckArguments>;
  map: TransitionMap;
  roles: Roles;
  settings: Settings;
  /** The calendar day of a time, as limits count it. */
  day: (time: number) => string;
  /** Milliseconds since 1970; never goes back. */
  now: () => number;
  random: (bytes: number) => Uint8Array;
  /** By proxy: the key its permits are signed with. */
  permitKeys: ReadonlyMap<string, PermitKey>;
  /** This process's life: leases of another one are dead. */
  incarnation: string;
};

/** Writes an audit entry with the time of now, inside a transaction. */
export function note<V extends Verb>(core: Pick<Core, "store" | "now">, verb: V, told: Told<V>): void {
  append(core.store, { schema: ENTRY_VERSION, time: core.now(), verb, ...told } as Entry);
}

/** A task with its case and the assignment it is in. Records that belong together are never written apart. */
export function assigned(store: Store, task: string): { task: Task; case: Case; assignment: Assignment } {
  const record = mustGet(store.tasks.get(task), task);
  return {
    task: record,
    case: mustGet(store.cases.get(record.case), record.case),
    assignment: mustGet(store.assignments.get(record.assignment), record.assignment),
  };
}

/** A record that must be there. Throws when it is not: the store is broken. */
export function mustGet<T>(record: T | undefined, name: string): T {
  if (record === undefined) throw new Error(`The record ${name} is missing from the store.`);
  return record;
}
