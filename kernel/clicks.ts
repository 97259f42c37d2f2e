/** A person's click: one function of tools.py in a cell of its own, through the same membrane as an agent's run. */
import { done, type End, later, refused } from "./abi/ends.ts";
import type { Attempt, Over } from "./attempts.ts";
import { isClickable } from "./claim.ts";
import { assigned, type Core } from "./core.ts";
import type { Click, Fields } from "./records.ts";
import type { ActiveRole } from "./roles.ts";

/** What the function returned. */
export type Clicked = { text: string; fields: Fields };

/** The role this click acts in, when the person holds the task and the role has tools. */
export function clickRole(core: Core, task: string, click: Click): End<ActiveRole> {
  if (!core.store.tasks.has(task)) return refused("TASK_UNKNOWN");
  if (!isClickable(core, task, click)) return refused("TASK_STATE", "Take the task first; it must be waiting for you.");
  const role = core.roles.active(assigned(core.store, task).assignment.role);
  return role === null ? refused("ROLE_UNKNOWN", "This role has no approved tools.") : done(role);
}

/** What the person is told when the cell is over. */
export function clickEnd(core: Core, { lease }: Attempt, over: Over): End<Clicked> {
  if (over.how === "exit") return lastRefusal(core, lease);
  if (over.how === "timeout") return refused("TASK_STATE", "The tool did not come to an end in its time.");
  if (over.how === "lost") return later("The cell was lost. Try again.");
  if (over.ending?.how === "complete") return done({ text: over.ending.text, fields: over.ending.fields });
  if (over.ending?.how === "escalate") return refused("NOT_PERMITTED", "A tool that a person calls does not escalate.");
  return lease === null ? refused("TASK_STATE") : later("The cell was lost. Try again.");
}

/** Why a tool gave up: the last refusal of its calls. */
function lastRefusal(core: Core, lease: Attempt["lease"]): End<Clicked> {
  const steps = lease === null ? [] : core.store.journal.under([lease.assignment]);
  const outcomes = steps
    .filter(({ key }) => lease !== null && (key as [string, number])[1] >= lease.first_step)
    .map(({ value }) => value.outcome)
    .filter((outcome) => outcome?.end === "refused");
  const last = outcomes.at(-1);
  return last?.end === "refused"
    ? refused(last.code, last.message)
    : refused("TASK_STATE", "The tool ended without an answer.");
}
