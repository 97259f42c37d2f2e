/**
 * The end of an attempt, in ONE transaction.
 *
 * Contract: an attempt that ended without word is made again until the attempts are used up; its open effects are left for the next one,
 * which decides them by acting again under a higher epoch. An assignment that is left for good has no open effect: they
 * are decided first, with the task waiting (decide.ts); only then does its ending take effect (conclude.ts).
 */
import { conclude, touch } from "./conclude.ts";
import { assigned, type Core, note } from "./core.ts";
import { openSteps } from "./journal.ts";
import { moveToReady, moveToWaiting, positionOf } from "./queue.ts";
import type { Assignment, Ending } from "./records.ts";

/** Ends the attempt that holds this task, inside a transaction. */
export function settle(core: Core, id: string, ending: Ending): void {
  const position = positionOf(core.store, id);
  if (position.state !== "leased") throw new Error(`The task ${id} is not leased.`);
  const { assignment } = assigned(core.store, id);
  const { click } = position.record;
  if (click !== null) leave(core, id, { how: "click" }, click.person);
  else if (assignment.fault === null && ending.how === "lost") retry(core, id, assignment);
  else if (assignment.fault === null && ending.how === "exit") fail(core, id, assignment);
  else leave(core, id, ending, null);
}

/** A cell for this ready task never came up: counted like an attempt that ended without word. Inside a transaction. */
export function failStart(core: Core, id: string): void {
  fail(core, id, assigned(core.store, id).assignment);
}

/** A cell for this ready task was lost through no fault of its own: a pause, not an attempt. Inside a transaction. */
export function postpone(core: Core, id: string): void {
  retry(core, id, assigned(core.store, id).assignment);
}

function fail(core: Core, id: string, assignment: Assignment): void {
  const failed = { ...assignment, failures: assignment.failures + 1 };
  core.store.assignments.put(assignment.assignment, failed);
  if (failed.failures < core.settings.attempts.max) retry(core, id, failed);
  else leave(core, id, { how: "exit" }, null);
}

function retry(core: Core, id: string, { assignment, failures }: Assignment): void {
  const { backoff_ms, backoff_ms_max } = core.settings.attempts;
  const wait = Math.min(backoff_ms * 2 ** Math.max(0, failures - 1), backoff_ms_max);
  moveToReady(core.store, id, { assignment, due: core.now() + wait });
  touch(core, id);
  noteAttempt(core, id, "ready");
}

/** Leaves an assignment for good, inside a transaction: at once, or after its open effects have been decided. */
export function leave(core: Core, id: string, ending: Ending, person: string | null): void {
  const { assignment } = assigned(core.store, id);
  if (openSteps(core.store, assignment.assignment).length === 0) conclude(core, id, ending, person);
  else holdBack(core, id, ending, person);
}

function holdBack(core: Core, id: string, ending: Ending, person: string | null): void {
  const { assignment } = assigned(core.store, id).task;
  moveToWaiting(core.store, id, { for: "decision", assignment, ending, person, since: core.now() });
  touch(core, id);
  noteAttempt(core, id, "waiting");
}

function noteAttempt(core: Core, id: string, outcome: "ready" | "waiting"): void {
  const { task, assignment } = assigned(core.store, id);
  const epoch = assignment.epoch > 0 ? { epoch: assignment.epoch } : {};
  const { assignment: name, role } = assignment;
  note(core, "settle", { task: id, case: task.case, assignment: name, role, ...epoch, outcome });
}
