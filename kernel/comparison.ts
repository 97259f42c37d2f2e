/**
 * A run that is not live: an agent runs once more, or beside a person, to be looked at. replay, try and shadow are this one mechanism; the mode in
 * the task key tells them apart.
 *
 * Threat: such a run does something: an effect, a change of the task it looks at, a call in the name of the live one.
 * Contract: nothing is leased and no record of the task changes. Only its own cell speaks for it, under an assignment that, in shadow and try, no
 * record bears: neither kernel nor vault nor proxy can take its calls for live ones. What is decided about it is in memory and gone with its cell.
 * Failure: EPOCH_STALE for whoever else speaks for it, and for itself once it is over.
 */
import { LEASE_MS } from "./abi/bounds.ts";
import type { consoleToKernel } from "./abi/console-messages.ts";
import { type Refused, refused } from "./abi/ends.ts";
import type { Verb } from "./abi/entry.ts";
import type { Mode } from "./abi/ids.ts";
import { digest, type JsonObject } from "./abi/json.ts";
import type { ValueOf } from "./abi/messages.ts";
import type { Claimed, WaitingCell } from "./claim.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { documentOf } from "./document.ts";
import type { Intend } from "./intend.ts";
import type { Mint } from "./mint.ts";
import type { Assignment, Ending, Lease, MadeCall } from "./records.ts";
import type { ActiveRole } from "./roles.ts";
import type { Store } from "./store.ts";

export type NotLive = Exclude<Mode, "live"> & Verb;
export type Difference = NonNullable<ValueOf<typeof consoleToKernel, "task_replay">["difference"]>;
export type Deed = NonNullable<Difference["made"]>;

/** A call of such a run; `call.outcome` is null until one is known. */
export type Made = { digest: string; call: MadeCall };

/** One run that is not live. */
export type Comparison = {
  readonly mode: NotLive;
  readonly task: string;
  /** What its document and keys say: in a replay the recorded one, else one of its own. */
  readonly assignment: Assignment;
  /** The assignment with whose journal it is compared; null where no agent of that role had the task. */
  readonly recorded: string | null;
  readonly role: ActiveRole;
  /** Who asked for it; null where the transition map did. */
  readonly who: string | null;
  /** By step. */
  readonly made: Map<number, Made>;
  /** Canonical JSON of all of them. */
  made_bytes: number;
  /** By the name of a running total: what it differs by where nothing but this run had happened to the task. */
  readonly totals: Map<string, number>;
  lease: Lease | null;
  /** Why it could not run. */
  fault: Refused | null;
  over: boolean;
  difference: Difference | null;
};

export function newComparison(
  given: Pick<Comparison, "mode" | "task" | "assignment" | "recorded" | "role" | "who">,
  totals = new Map<string, number>(),
): Comparison {
  return { ...given, totals, made: new Map(), made_bytes: 0, lease: null, fault: null, over: false, difference: null };
}

/** What the cell is given: keys and a document of its mode. Nothing is leased. Inside a transaction. */
export function claimComparison(core: Core, mint: Mint, comparison: Comparison, waiting: WaitingCell): Claimed {
  const { task: id, mode, assignment, role, who } = comparison;
  const { task, case: matter } = assigned(core.store, id);
  const { cell, slot } = waiting;
  const { bundle } = waiting.made;
  const now = core.now();
  const epoch = Math.max(1, assignment.epoch);
  const deadline = now + role.deadline_ms;
  const baseKey = mint.base(role, role.role, now);
  const facts = { task: id, case: task.case, assignment: assignment.assignment, customer: matter.customer };
  const attempt = { event: task.event, role: role.role, bundle, cell, epoch, mode, until: deadline };
  const taskKey = mint.task({ ...facts, ...attempt }, now);
  const keys = { base_key: baseKey.jti, task_key: taskKey.jti };
  const times = { incarnation: core.incarnation, claimed: now, expires: now + LEASE_MS, deadline };
  const lease: Lease = {
    ...{ assignment: assignment.assignment, epoch, cell, slot, first_step: 1, click: null },
    ...times,
    ...keys,
  };
  comparison.lease = lease;
  const by = who === null ? {} : { who };
  note(core, mode, { ...placeOf(core.store, comparison), ...by, bundle, keys: Object.values(keys) });
  const document = { ...documentOf(core.store, id, lease, assignment), mode };
  return { lease, document, baseKey, taskKey };
}

/** Where the run stands, for the log. */
export function placeOf(store: Store, { mode, task, assignment, lease }: Comparison) {
  const { case: matter } = mustGet(store.tasks.get(task), task);
  const at = lease === null ? {} : { cell: lease.cell, epoch: lease.epoch };
  return { mode, task, case: matter, assignment: assignment.assignment, role: assignment.role, ...at };
}

/** EPOCH_STALE unless this is said by the cell of the run, under its own epoch, while it goes on. */
export function staleness({ lease, over }: Comparison, at: Pick<Intend, "cell" | "assignment" | "epoch">) {
  const same = lease?.cell === at.cell && lease.assignment === at.assignment && lease.epoch === at.epoch;
  return same && !over ? null : refused("EPOCH_STALE");
}

/** A call as it is shown side by side. */
export function deedOf(call: { capability: string; digest: string; arguments: JsonObject }): Deed {
  return { what: call.capability, digest: call.digest, arguments: call.arguments };
}

/** An ending as it is shown side by side. */
export function endDeed({ how, ...said }: Ending): Deed {
  return { what: how, digest: digest({ how, ...said }), arguments: said };
}

/** Where the recorded agent's own answer ended the task and this run's is another: both. */
export function otherEnd(store: Store, { task, recorded }: Comparison, ending: Ending | null): Difference | null {
  const ended = store.ended.get(task);
  if (ended === undefined || ended.assignment !== recorded || ended.event !== "Completed") return null;
  const then = endDeed({ how: "complete", text: ended.text, fields: ended.fields });
  const now = endDeed(ending ?? { how: "exit" });
  return then.digest === now.digest ? null : { step: null, recorded: then, made: now };
}
