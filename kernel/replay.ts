/**
 * `silo task replay`: whether the agent would do the same again. Its bundle runs once more on the calls that were recorded, in mode
 * replay.
 *
 * Threat: a run that only compares does something: an effect, a count against a limit, a token, a change of the task it looks at.
 * Contract: nothing is read that was not recorded and nothing is written but audit entries. A call gets its recorded outcome and never a
 * permit; what was decided about one comparison is in memory alone and gone with its cell.
 * Failure: a call beyond the record or different from it is refused REPLAY_DIVERGED and ends the comparison: that is its result.
 */
import { LEASE_MS } from "./abi/bounds.ts";
import { type Done, done, type End, later, type Refused, refused } from "./abi/ends.ts";
import { digest, type JsonObject } from "./abi/json.ts";
import type { consoleToKernel, ValueOf } from "./abi/messages.ts";
import { assignmentsOf } from "./assign.ts";
import type { Claimed, WaitingCell } from "./claim.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { documentOf } from "./document.ts";
import type { Intend, Intended } from "./intend.ts";
import { recorded } from "./journal.ts";
import type { Mint } from "./mint.ts";
import type { Assignment, Ending, JournalEntry, Lease } from "./records.ts";
import type { ActiveRole } from "./roles.ts";
import type { Store } from "./store.ts";

export type Compared = ValueOf<typeof consoleToKernel, "task_replay">;
type Difference = NonNullable<Compared["difference"]>;
type Deed = NonNullable<Difference["made"]>;

/** One comparison under way. */
export type Comparison = {
  readonly task: string;
  readonly assignment: Assignment;
  readonly role: ActiveRole;
  readonly who: string;
  /** Steps that were made as recorded. */
  readonly made: Set<number>;
  lease: Lease | null;
  difference: Difference | null;
};

/** A comparison with what the last agent recorded of an ended task. */
export function openComparison({ store, roles }: Core, task: string, who: string): Done<Comparison> | Refused {
  if (!store.tasks.has(task)) return refused("TASK_UNKNOWN");
  if (!store.ended.has(task))
    return refused("TASK_STATE", "The task has not ended; only what is over can be compared.");
  const assignment = assignmentsOf(store, task).findLast(({ human }) => !human);
  if (assignment === undefined) return refused("TASK_STATE", "No agent had this task.");
  const role = roles.active(assignment.role);
  if (role === null) return refused("ROLE_UNKNOWN", `The role ${assignment.role} has no approved bundle.`);
  return done({ task, assignment, role, who, made: new Set(), lease: null, difference: null });
}

/** What the cell is given: keys and a document of mode replay. Nothing is leased. Inside a transaction. */
export function claimComparison(core: Core, mint: Mint, comparison: Comparison, waiting: WaitingCell): Claimed {
  const { task: id, assignment, role, who } = comparison;
  const { task, case: matter } = assigned(core.store, id);
  const { cell, slot, bundle } = waiting;
  const now = core.now();
  const epoch = Math.max(1, assignment.epoch);
  const deadline = now + role.deadline_ms;
  const baseKey = mint.base(role, role.role, now);
  const facts = { task: id, case: task.case, assignment: assignment.assignment, customer: matter.customer };
  const attempt = { event: task.event, role: role.role, bundle, cell, epoch, mode: "replay", until: deadline } as const;
  const taskKey = mint.task({ ...facts, ...attempt }, now);
  const keys = { base_key: baseKey.jti, task_key: taskKey.jti };
  const times = { incarnation: core.incarnation, claimed: now, expires: now + LEASE_MS, deadline };
  const lease: Lease = {
    ...{ assignment: assignment.assignment, epoch, cell, slot, first_step: 1, click: null },
    ...times,
    ...keys,
  };
  comparison.lease = lease;
  note(core, "replay", { ...placeOf(core.store, comparison), who, bundle, keys: Object.values(keys) });
  const document = { ...documentOf(core.store, id, lease, assignment), mode: "replay" as const };
  return { lease, document, baseKey, taskKey };
}

function placeOf(store: Store, { task, assignment, lease }: Comparison) {
  const { case: matter } = mustGet(store.tasks.get(task), task);
  const at = lease === null ? {} : { cell: lease.cell, epoch: lease.epoch };
  return { task, case: matter, assignment: assignment.assignment, role: assignment.role, ...at };
}

/** Answers one call with its recorded outcome, inside a transaction that holds its audit entry and nothing else. */
export function compareCall(core: Core, comparison: Comparison, call: Intend): End<Intended> {
  const callDigest = digest(call.arguments as JsonObject);
  const end = isOwn(comparison, call) ? answer(core, comparison, call, callDigest) : refused("EPOCH_STALE");
  note(core, "intend", {
    ...placeOf(core.store, comparison),
    ...(core.operations.has(call.capability) && { capability: call.capability }),
    ...{ step: call.step, arguments: callDigest, decision: end.end === "done" ? "replayed" : "refused" },
    ...(end.end === "refused" && { code: end.code }),
  });
  return end;
}

/** Whether this is said by the cell of the comparison, under its own epoch. */
export function isOwn({ lease }: Comparison, at: Pick<Intend, "cell" | "assignment" | "epoch">): boolean {
  return lease?.cell === at.cell && lease.assignment === at.assignment && lease.epoch === at.epoch;
}

function answer(core: Core, comparison: Comparison, call: Intend, callDigest: string): Done<Intended> | Refused {
  if (comparison.difference !== null) return refused("REPLAY_DIVERGED");
  const entry = recorded(core.store, call);
  const said = entry === undefined ? null : outcomeOf(entry);
  if (said !== null && entry?.capability === call.capability && entry.digest === callDigest) {
    comparison.made.add(call.step);
    return said;
  }
  const made: Deed = { what: call.capability, digest: callDigest, arguments: call.arguments };
  comparison.difference = { step: call.step, recorded: said === null ? null : deedOf(entry), made };
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

function deedOf(entry: JournalEntry | undefined): Deed | null {
  return entry === undefined ? null : { what: entry.capability, digest: entry.digest, arguments: entry.arguments };
}

/** The result once the cell is over with this ending (null: it was ended here), inside a transaction for its audit entry. */
export function concludeComparison(core: Core, comparison: Comparison, ending: Ending | null): End<Compared> {
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

/** Where the agent's own answer ended the task, this time's must be the same. */
function otherEnd(store: Store, { task, assignment }: Comparison, ending: Ending | null): Difference | null {
  const ended = mustGet(store.ended.get(task), task);
  if (ended.assignment !== assignment.assignment || ended.event !== "Completed") return null;
  const then = endDeed({ how: "complete", text: ended.text, fields: ended.fields });
  const now = endDeed(ending ?? { how: "exit" });
  return then.digest === now.digest ? null : { step: null, recorded: then, made: now };
}

function endDeed({ how, ...said }: Ending): Deed {
  return { what: how, digest: digest({ how, ...said }), arguments: said };
}
