/**
 * Where tasks are. A live task is in exactly one of ready, leased, waiting, ended; which one is defined by which record
 * exists. Each function here moves one task inside a transaction.
 */
import type { Ended, Lease, Ready, Waiting } from "./records.ts";
import type { Store } from "./store.ts";

export type Position =
  | { state: "ready"; record: Ready }
  | { state: "leased"; record: Lease }
  | { state: "waiting"; record: Waiting }
  | { state: "ended"; record: Ended };

/** Where a task is. Throws when it is nowhere: that cannot be. */
export function positionOf(store: Store, task: string): Position {
  const position = find(store, task);
  if (position === undefined) throw new Error(`The task ${task} is in no state.`);
  return position;
}

function find(store: Store, task: string): Position | undefined {
  const lease = store.leases.get(task);
  if (lease !== undefined) return { state: "leased", record: lease };
  const ready = store.ready.get(task);
  if (ready !== undefined) return { state: "ready", record: ready };
  const waiting = store.waiting.get(task);
  if (waiting !== undefined) return { state: "waiting", record: waiting };
  const ended = store.ended.get(task);
  return ended === undefined ? undefined : { state: "ended", record: ended };
}

export function moveToReady(store: Store, task: string, ready: Ready): void {
  leave(store, task);
  store.ready.put(task, ready);
  store.due.put(dueKey(store, task, ready), ready.assignment);
}

export function moveToLeased(store: Store, task: string, lease: Lease): void {
  leave(store, task);
  store.leases.put(task, lease);
}

export function moveToWaiting(store: Store, task: string, waiting: Waiting): void {
  leave(store, task);
  store.waiting.put(task, waiting);
}

export function moveToEnded(store: Store, task: string, ended: Ended): void {
  leave(store, task);
  store.ended.put(task, ended);
}

function leave(store: Store, task: string): void {
  const position = find(store, task);
  if (position === undefined) return; // a new task
  if (position.state === "ended") throw new Error(`The task ${task} has ended.`);
  if (position.state === "ready") store.due.remove(dueKey(store, task, position.record));
  if (position.state === "ready") store.ready.remove(task);
  if (position.state === "leased") store.leases.remove(task);
  if (position.state === "waiting") store.waiting.remove(task);
}

/** [role, due, task] -> assignment. */
type Due = Store["due"];

function dueKey(store: Store, task: string, ready: Ready): [string, number, string] {
  const assignment = store.assignments.get(ready.assignment);
  if (assignment === undefined) throw new Error(`The assignment ${ready.assignment} of ${task} is missing.`);
  return [assignment.role, ready.due, task];
}

/** What of a role is due by `now` (ms) in `store.due` or `store.shadowsDue`, oldest first. */
export function dueTasks(queue: Due, role: string, now: number, limit: number): { task: string; due: number }[] {
  return queue.between([role, 0], [role, now + 1], { limit }).map(({ key }) => {
    const [, due, task] = key as [string, number, string];
    return { task, due };
  });
}

/** When the next task of a role is due in `queue` (ms), or null. */
export function nextDue(queue: Due, role: string): number | null {
  const [first] = queue.under([role], { limit: 1 });
  return first === undefined ? null : (first.key as [string, number, string])[1];
}

/** The lease of a cell: there are at most as many leases as slots. */
export function leaseOfCell(store: Store, cell: string): { task: string; lease: Lease } | undefined {
  const row = store.leases.all().find(({ value }) => value.cell === cell);
  return row === undefined ? undefined : { task: row.key as string, lease: row.value };
}
