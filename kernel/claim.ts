/**
 * A lease: one task is given to one cell for one attempt, in one transaction, with the ids of the keys it gets.
 *
 * Contract: a task has at most one lease; every lease has an epoch higher than any before it on the assignment, so whatever an earlier
 * attempt still does is void.
 */
import { LEASE_MS, STEPS_MAX } from "./abi/bounds.ts";
import type { TaskDocument } from "./abi/messages.ts";
import { type Cell, serves } from "./cell.ts";
import { assigned, type Core, note } from "./core.ts";
import { documentOf } from "./document.ts";
import { nextStep } from "./journal.ts";
import type { Mint, Minted } from "./mint.ts";
import { moveToLeased, positionOf } from "./queue.ts";
import type { Click, Lease, Task } from "./records.ts";
import type { ActiveRole } from "./roles.ts";

/** The cell that is up and waiting. */
export type WaitingCell = Pick<Cell, "cell" | "slot" | "made">;

export type Claimed = {
  lease: Lease;
  document: TaskDocument;
  baseKey: Minted;
  taskKey: Minted;
};

/** Leases a ready task, or for a click the waiting task of its person, inside a transaction. Null when that is no longer possible. */
export function claim(core: Core, mint: Mint, id: string, waiting: WaitingCell, click: Click | null): Claimed | null {
  const { store } = core;
  const { task, case: matter, assignment } = assigned(store, id);
  const role = core.roles.active(assignment.role);
  if (role === null || !serves(waiting.made, role)) return null;
  if (click === null ? !isClaimable(core, id, role) : !isClickable(core, id, click)) return null;
  const now = core.now();
  const epoch = assignment.epoch + 1;
  const deadline = now + role.deadline_ms;
  const first_step = click === null ? 1 : nextStep(store, assignment.assignment);
  const baseKey = mint.base(role, click?.person ?? role.role, now);
  const { event } = task;
  const { cell, slot } = waiting;
  const { bundle } = waiting.made;
  const facts = { task: id, case: task.case, assignment: assignment.assignment, customer: matter.customer, event };
  const taskKey = mint.task({ ...facts, role: role.role, bundle, cell, epoch, mode: "live", until: deadline }, now);
  const lease: Lease = {
    assignment: assignment.assignment,
    epoch,
    cell,
    slot,
    incarnation: core.incarnation,
    claimed: now,
    expires: now + LEASE_MS,
    deadline,
    base_key: baseKey.jti,
    task_key: taskKey.jti,
    first_step,
    click,
  };
  store.assignments.put(assignment.assignment, { ...assignment, epoch });
  moveToLeased(store, id, lease);
  noteClaim(core, task, role, lease, bundle);
  return { lease, document: documentOf(store, id, lease), baseKey, taskKey };
}

function isClaimable(core: Core, id: string, role: ActiveRole): boolean {
  const position = positionOf(core.store, id);
  return position.state === "ready" && position.record.due <= core.now() && role.online;
}

/** Whether this person holds the task and it waits for them. */
export function isClickable(core: Core, id: string, click: Pick<Click, "person">): boolean {
  const position = positionOf(core.store, id);
  if (position.state !== "waiting" || position.record.for !== "human") return false;
  return position.record.person === click.person && nextStep(core.store, position.record.assignment) <= STEPS_MAX;
}

function noteClaim(core: Core, task: Task, role: ActiveRole, lease: Lease, bundle: string): void {
  const { assignment, cell, epoch, click } = lease;
  const who = click === null ? {} : { who: click.person };
  const keys = [lease.base_key, lease.task_key];
  note(core, "claim", {
    task: task.task,
    case: task.case,
    assignment,
    role: role.role,
    cell,
    epoch,
    keys,
    bundle,
    ...who,
  });
}

/** Renews what these cells hold, inside a transaction. */
export function renew(core: Core, cells: Iterable<{ cell: string; task: string }>): void {
  for (const { cell, task } of cells) {
    const lease = core.store.leases.get(task);
    if (lease?.cell === cell) core.store.leases.put(task, { ...lease, expires: core.now() + LEASE_MS });
  }
}
