/**
 * `silo task replay`: whether the agent would do the same again. Its bundle runs once more on the calls that were recorded, in mode
 * replay.
 *
 * Threat: a run that only compares does something: an effect, a count against a limit, a token, a change of the task it looks at.
 * Contract: nothing is read that was not recorded and nothing is written but audit entries. A call gets its recorded outcome and never a
 * permit; what was decided about one comparison is in memory alone and gone with its cell.
 * Failure: a call beyond the record or different from it is refused REPLAY_DIVERGED and ends the comparison: that is its result.
 */

import type { consoleToKernel } from "./abi/console-messages.ts";
import { type Done, done, type End, later, type Refused, refused } from "./abi/ends.ts";
import type { ValueOf } from "./abi/messages.ts";
import { assignmentsOf } from "./assign.ts";
import { type Comparison, type Deed, type Difference, deedOf, newComparison, otherEnd, placeOf } from "./comparison.ts";
import { type Core, note } from "./core.ts";
import type { Intend, Intended } from "./intend.ts";
import { recorded } from "./journal.ts";
import type { Ending, JournalEntry } from "./records.ts";
import type { Store } from "./store.ts";

export type Compared = ValueOf<typeof consoleToKernel, "task_replay">;

/** A comparison with what the last agent recorded of an ended task. */
export function openReplay({ store, roles }: Core, task: string, who: string): Done<Comparison> | Refused {
  if (!store.tasks.has(task)) return refused("TASK_UNKNOWN");
  if (!store.ended.has(task))
    return refused("TASK_STATE", "The task has not ended; only what is over can be compared.");
  const assignment = assignmentsOf(store, task).findLast(({ human }) => !human);
  if (assignment === undefined) return refused("TASK_STATE", "No agent had this task.");
  const role = roles.active(assignment.role);
  if (role === null) return refused("ROLE_UNKNOWN", `The role ${assignment.role} has no approved bundle.`);
  return done(newComparison({ mode: "replay", task, assignment, recorded: assignment.assignment, role, who }));
}

/** The recorded outcome of a call; nothing is written. */
export function answerRecorded(
  { store }: Core,
  comparison: Comparison,
  call: Intend,
  callDigest: string,
): Done<Intended> | Refused {
  if (comparison.difference !== null) return refused("REPLAY_DIVERGED");
  const { step, capability } = call;
  const entry = recorded(store, call);
  const said = entry === undefined ? null : outcomeOf(entry);
  if (said !== null && entry?.capability === capability && entry.digest === callDigest) {
    const outcome = said.end === "done" ? "done" : "refused";
    const told = said.end === "done" ? { code: null, message: null } : { code: said.code, message: said.message };
    comparison.made.set(step, { digest: callDigest, call: { step, capability, arguments: {}, outcome, ...told } });
    return said;
  }
  const made: Deed = { what: capability, digest: callDigest, arguments: call.arguments };
  comparison.difference = {
    ...{ step, made },
    recorded: said === null || entry === undefined ? null : deedOf(entry),
  };
  return refused("REPLAY_DIVERGED");
}

/** What the agent was told then; null where it was told nothing. */
function outcomeOf({ outcome }: JournalEntry): Done<Intended> | Refused | null {
  if (outcome === null || outcome.end === "void") return null;
  if (outcome.end === "refused") return refused(outcome.code, outcome.message);
  if (outcome.end === "unknown") return refused("UNKNOWN_OUTCOME");
  const replay = outcome.end === "done" ? outcome.value : null;
  return done({ permit: null, replay, stand_in: replay === null });
}

/** The result once the cell is over with this ending (null: it was ended here), inside a transaction for its audit entry. */
export function concludeReplay(core: Core, comparison: Comparison, ending: Ending | null): End<Compared> {
  if (comparison.fault !== null) return comparison.fault;
  if (comparison.lease === null || (ending?.how === "lost" && comparison.difference === null))
    return later("The cell was lost.");
  const { made, assignment } = comparison;
  const difference =
    comparison.difference ?? missing(core.store, comparison) ?? otherEnd(core.store, comparison, ending);
  const outcome = difference === null ? "same" : "different";
  note(core, "replay", { ...placeOf(core.store, comparison), outcome });
  return done({ role: assignment.role, calls: made.size, same: difference === null, difference });
}

/** The first recorded call that was not made this time. */
function missing(store: Store, { assignment, made }: Comparison): Difference | null {
  const rows = store.journal.under([assignment.assignment]);
  const row = rows.find(({ key, value }) => !made.has((key as [string, number])[1]) && outcomeOf(value) !== null);
  return row === undefined ? null : { step: (row.key as [string, number])[1], recorded: deedOf(row.value), made: null };
}
