/** A person's click: one function of tools.py in a cell of its own, through the same membrane as an agent's run. */
import { done, type End, later, refused } from "./abi/ends.ts";
import type { Attempt } from "./attempts.ts";
import type { Over } from "./cell.ts";
import { isClickable } from "./claim.ts";
import { assigned, type Core } from "./core.ts";
import type { Click, Fields, JournalEntry } from "./records.ts";
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

/** What the person is told when the cell is over. *later* only where nothing was done: whoever reads it clicks again, and that acts again. */
export function clickEnd(core: Core, { lease }: Attempt, over: Over): End<Clicked> {
  if (over.how === "exit") return lastRefusal(core, lease);
  if (over.how !== "settled" && hasActed(core, lease)) return refused("UNKNOWN_OUTCOME", BEGUN);
  if (over.how === "timeout") return refused("TASK_STATE", "The tool did not come to an end in its time.");
  if (over.how === "lost") return later("The cell was lost.");
  if (over.ending?.how === "complete") return done({ text: over.ending.text, fields: over.ending.fields });
  if (over.ending?.how === "escalate") return refused("NOT_PERMITTED", "A tool that a person calls does not escalate.");
  if (lease === null) return refused("TASK_STATE");
  return hasActed(core, lease) ? refused("UNKNOWN_OUTCOME", BEGUN) : later("The cell was lost.");
}

const BEGUN = "The tool had begun to act when its cell ended. Look at the calls of the task before you do it again.";

/** Whether a permitted effect was among the calls of this cell, whatever became of it. */
function hasActed(core: Core, lease: Attempt["lease"]): boolean {
  return callsOf(core, lease).some(({ effect, outcome }) => effect === "write" && outcome?.end !== "refused");
}

function callsOf(core: Core, lease: Attempt["lease"]): JournalEntry[] {
  if (lease === null) return [];
  const { assignment, first_step } = lease;
  const rows = core.store.journal.under([assignment]);
  return rows.filter(({ key }) => (key as [string, number])[1] >= first_step).map(({ value }) => value);
}

/** Why a tool gave up: the last refusal of its calls. */
function lastRefusal(core: Core, lease: Attempt["lease"]): End<Clicked> {
  const last = callsOf(core, lease)
    .map(({ outcome }) => outcome)
    .findLast((outcome) => outcome?.end === "refused");
  return last?.end === "refused"
    ? refused(last.code, last.message)
    : refused("TASK_STATE", "The tool ended without an answer.");
}
