/**
 * The end of an assignment that has no open intent, and what follows: event, the transition map's next step, the answer for the
 * frontend, audit entry. Inside the transaction of whoever ends it.
 */
import type { Event } from "./abi/events.ts";
import { newId } from "./abi/ids.ts";
import { assign, type Before } from "./assign.ts";
import { assigned, type Core, note } from "./core.ts";
import { moveToEnded, moveToWaiting } from "./queue.ts";
import type { Assignment, Ending, Handover, Task } from "./records.ts";
import { type Next, route } from "./route.ts";
import { chance } from "./submit.ts";

const SENTENCE_CHARS_MAX = 4096;

/** What happened. `code`: of ours, fit for the log; `reason`: the same, or the words of who escalated. */
type Happened = { event: Event; code: string | null; reason: string | null };

/** Lets an ending take effect. `person`: whose click it was. */
export function conclude(core: Core, id: string, ending: Ending, person: string | null): void {
  const { task, assignment } = assigned(core.store, id);
  if (ending.how === "click") handBack(core, task, assignment, person);
  else proceed(core, task, assignment, ending);
}

function proceed(core: Core, task: Task, assignment: Assignment, ending: Ending): void {
  const { happened, next } = whatNext(core, task, assignment, whatHappened(assignment, ending));
  const { event, code, reason } = happened;
  const outcome = "end" in next ? { outcome: next.end } : {};
  noteEnd(core, task, assignment, { event, ...(code !== null && { code }), ...outcome });
  if ("end" in next) finish(core, task, next.end, ending, reason);
  else assign(core, task, "to" in next ? next : { to: next.wait }, beforeOf(assignment, ending, reason ?? ""));
}

/** A person's cell is over: the task waits for the same person again. */
function handBack(core: Core, task: Task, assignment: Assignment, person: string | null): void {
  const since = core.now();
  moveToWaiting(core.store, task.task, { for: "human", assignment: assignment.assignment, person, since });
  touch(core, task.task);
  noteEnd(core, task, assignment, { outcome: "waiting" });
}

/** An agent's fault outweighs its word; a person's word stands. */
function whatHappened(assignment: Assignment, ending: Ending): Happened {
  if (!assignment.human && assignment.fault !== null) return failure(assignment.fault);
  if (ending.how === "complete") return { event: "Completed", code: null, reason: null };
  if (ending.how === "escalate") return { event: "Escalated", code: null, reason: ending.reason };
  if (ending.how === "timeout") return { event: "TimedOut", code: "DEADLINE", reason: "DEADLINE" };
  if (ending.how === "offline") return { event: "RoleOffline", code: "ROLE_OFFLINE", reason: "ROLE_OFFLINE" };
  return failure("ATTEMPTS_USED_UP");
}

function failure(code: string): Happened {
  return { event: "Failed", code, reason: code };
}

/** What the transition map says. A role may escalate only to those its grant names; to others it has failed. */
function whatNext(core: Core, task: Task, assignment: Assignment, happened: Happened) {
  const next = ask(core, task, assignment, happened);
  const mayReach = core.roles.active(assignment.role)?.escalates_to ?? [];
  if (happened.event !== "Escalated" || "end" in next || mayReach.includes("to" in next ? next.to : next.wait))
    return { happened, next };
  const failed = failure("ESCALATION_NOT_GRANTED");
  return { happened: failed, next: ask(core, task, assignment, failed) };
}

function ask(core: Core, task: Task, { role }: Assignment, { event, reason }: Happened): Next {
  const { online } = core.roles;
  const facts = { kind: task.kind, from: role, reason, hops: task.hops, online, random: chance(core) };
  return route(core.map, event, facts) ?? { end: "Failed" };
}

function finish(core: Core, task: Task, event: "Completed" | "Failed", ending: Ending, reason: string | null): void {
  const answered = event === "Completed" && ending.how === "complete";
  const { text, fields } = answered ? ending : { text: "", fields: {} };
  const delivery = newId("dlvr", core.random);
  const { assignment } = task;
  const at = core.now();
  moveToEnded(core.store, task.task, { assignment, event, reason, text, fields, delivery, at });
  core.store.outbox.put(task.task, { delivery, since: at });
  touch(core, task.task);
}

function beforeOf({ assignment, role }: Assignment, ending: Ending, reason: string): Before {
  return { assignment, handover: handoverOf(role, ending, reason) };
}

/** What the next one is told: the words of the one before, under the reason that counts. */
function handoverOf(role: string, ending: Ending, reason: string): Handover {
  if (ending.how === "escalate") return { role, reason, recommendation: ending.recommendation, facts: ending.facts };
  if (ending.how === "complete")
    return { role, reason, recommendation: ending.text.slice(0, SENTENCE_CHARS_MAX), facts: ending.fields };
  return { role, reason, recommendation: "", facts: {} };
}

/** Marks a task as changed now. */
export function touch(core: Core, id: string): void {
  const { task } = assigned(core.store, id);
  core.store.tasks.put(id, { ...task, updated: core.now() });
}

type Told = { event?: Event; code?: string; outcome?: "Completed" | "Failed" | "waiting" };

function noteEnd(core: Core, task: Task, assignment: Assignment, told: Told): void {
  const epoch = assignment.epoch > 0 ? { epoch: assignment.epoch } : {};
  const { assignment: name, role } = assignment;
  note(core, "settle", { task: task.task, case: task.case, assignment: name, role, ...epoch, ...told });
}
