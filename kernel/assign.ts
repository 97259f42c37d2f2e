/** Puts a task into the hands of a role. Inside a transaction. */
import { newId } from "./abi/ids.ts";
import { type Core, mustGet } from "./core.ts";
import { moveToReady, moveToWaiting } from "./queue.ts";
import type { Assignment, Handover, Task } from "./records.ts";
import { openShadow } from "./shadows.ts";
import type { Store } from "./store.ts";

/** Makes the next assignment of `task`: waiting where the role is a person's, with its shadow where the map names one, else ready. */
export function assign(core: Core, task: Omit<Task, "assignment">, { to: role, shadow }: To, before: Before | null) {
  const { store } = core;
  const now = core.now();
  const assignment = newId("asgn", core.random);
  const human = core.roles.human(role);
  store.tasks.put(task.task, { ...task, assignment, hops: task.hops + 1, updated: now });
  store.assignments.put(assignment, {
    assignment,
    task: task.task,
    role,
    human,
    previous: before?.assignment ?? null,
    handover: before?.handover ?? null,
    now,
    failures: 0,
    epoch: 0,
    fault: null,
  });
  if (human && shadow !== undefined && !core.roles.human(shadow)) openShadow(store, task.task, assignment, shadow, now);
  if (human) moveToWaiting(store, task.task, { for: "human", assignment, person: null, since: now });
  else moveToReady(store, task.task, { assignment, due: now });
}

/** The role that gets it, and who runs beside. */
type To = { to: string; shadow?: string };

/** Every assignment of a task, oldest first; those that handed it back follow the one they handed it back to. */
export function assignmentsOf(store: Store, task: string): Assignment[] {
  const found: Assignment[] = [];
  for (let name = store.tasks.get(task)?.assignment ?? null; name !== null; ) {
    const assignment = mustGet(store.assignments.get(name), name);
    const returned = (assignment.returned ?? []).map((one) => mustGet(store.assignments.get(one), one));
    found.unshift(assignment, ...returned);
    name = assignment.previous;
  }
  return found;
}

/** The assignment that handed the task over, and what it said. */
export type Before = { assignment: string; handover: Handover };
