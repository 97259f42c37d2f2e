/**
 * After a start, recovery looks only at leases: those of an earlier life of this process are dead, at once. Ready, waiting and ended tasks,
 * open intents and undelivered answers are where they were.
 */
import type { Told } from "./abi/entry.ts";
import { lastTime } from "./audit/log.ts";
import { type Core, note } from "./core.ts";
import { moveToReady } from "./queue.ts";
import { settle } from "./settle.ts";
import { putShadow } from "./shadows.ts";

/** Says in the log that this life of the kernel begins, and with what; then expires the leases of every other. Inside a transaction. Returns how many there were. */
export function recover(core: Core, life: Told<"start">): number {
  const dead = core.store.leases.all().filter(({ value }) => value.incarnation !== core.incarnation);
  note(core, "start", life);
  for (const { key } of dead) expire(core, key as string);
  return dead.length;
}

/** The log's last time was declared wrong: the log says so, and what rests until a time that was counted from it rests no longer. Inside a transaction. */
export function goOnFromNow(core: Core): void {
  const now = core.now();
  note(core, "clock_back", { before: lastTime(core.store) });
  const late = core.store.ready.all().filter(({ value }) => value.due > now);
  for (const { key, value } of late) moveToReady(core.store, key as string, { ...value, due: now });
  const shadows = core.store.shadows.all().filter(({ value }) => value.state === "due" && value.due > now);
  for (const { key, value } of shadows) putShadow(core.store, key as string, { ...value, due: now });
}

/** Expires the leases that were not renewed in time, inside a transaction. Returns their tasks. */
export function expireOverdue(core: Core): string[] {
  const now = core.now();
  const overdue = core.store.leases.all().filter(({ value }) => value.expires <= now);
  for (const { key } of overdue) expire(core, key as string);
  return overdue.map(({ key }) => key as string);
}

/** Ends the lease of a task, if there is one, inside a transaction: the attempt is void and the task ready again. */
export function expire(core: Core, task: string): void {
  const lease = core.store.leases.get(task);
  if (lease === undefined) return;
  const { assignment, cell, epoch } = lease;
  note(core, "expire", { task, assignment, cell, epoch });
  settle(core, task, { how: "lost" });
}
