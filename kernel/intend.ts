/**
 * `door -> kernel: intend`: the kernel's decision about ONE call, before anything happens.
 *
 * Threat: the door has been taken over and asks for what was never granted; an agent exceeds its limits, repeats an effect or rewrites
 * what it did before; something happens that is not in the log.
 * Contract: one transaction holds the decision, the journal, the reservation and the audit entry. A permit is given only to the cell that
 * holds the task's lease at this epoch, for a granted operation whose arguments are well-formed and within every limit, as the kernel's own
 * records say now. A step that was done before is answered with its recorded outcome, never done again; one that certainly did not happen is
 * judged anew.
 * Failure: refused with a code, journaled under its step; other arguments under a known step end the agent's run (REPLAY_DIVERGED).
 */
import { type Done, done, type End, type Refused, refused } from "./abi/ends.ts";
import type { LedgerEffect } from "./abi/entry-fields.ts";
import { digest, type JsonObject } from "./abi/json.ts";
import type { doorToKernel, RequestOf, ValueOf } from "./abi/messages.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { hasJournalRoom, record, recorded, renew, voided } from "./journal.ts";
import { amountsOf, reserve, take } from "./ledger.ts";
import { permit } from "./permits.ts";
import type { Assignment, Case, JournalEntry, Lease, Reservation, Task, TotalKey } from "./records.ts";
import type { Store } from "./store.ts";

const FULL = "This assignment has recorded as much as one may. Complete or escalate it.";

export type Intend = RequestOf<typeof doorToKernel, "intend">;
export type Intended = ValueOf<typeof doorToKernel, "intend">;

/** A live attempt and everything that belongs to it. */
export type Held = { task: Task; case: Case; assignment: Assignment; lease: Lease };

/** A call as the log will tell it. */
type Told = { decision: "allowed" | "refused" | "replayed"; ledger: LedgerEffect[]; end: End<Intended> };

/** The attempt that `cell` makes at `assignment` under `epoch`, or null when that is not what holds the task now. */
export function heldBy(core: Core, at: { cell: string; assignment: string; epoch: number }): Held | null {
  const { store } = core;
  const assignment = store.assignments.get(at.assignment);
  if (assignment === undefined) return null;
  const lease = store.leases.get(assignment.task);
  if (lease === undefined || lease.expires <= core.now()) return null;
  const same = lease.cell === at.cell && lease.assignment === at.assignment && lease.epoch === at.epoch;
  return same ? { ...assigned(store, assignment.task), lease } : null;
}

/** Decides one call inside a transaction. */
export function intend(core: Core, call: Intend): End<Intended> {
  const held = heldBy(core, call);
  const callDigest = digest(call.arguments as JsonObject);
  const told = held === null ? no(refused("EPOCH_STALE")) : decide(core, held, call, callDigest);
  noteIntent(core, held, call, callDigest, told);
  return told.end;
}

function decide(core: Core, held: Held, call: Intend, callDigest: string): Told {
  if (held.assignment.fault === "REPLAY_DIVERGED") return no(refused("REPLAY_DIVERGED"));
  if (call.step < held.lease.first_step) return no(refused("STEP_INVALID"));
  const before = recorded(core.store, call);
  if (before === undefined) return judgeAnew(core, held, call, callDigest);
  if (before.capability !== call.capability || before.digest !== callDigest) return diverge(core.store, held);
  return decideAgain(core, held, call, before);
}

/** A step that was made before, with the same arguments. */
function decideAgain(core: Core, held: Held, call: Intend, before: JournalEntry): Told {
  if (before.outcome === null) {
    const entry = renew(core.store, placeOf(held, call), before, call.epoch, core.now());
    return allow(permitOf(core, held, call, entry), []);
  }
  if (before.outcome.end === "void") return judgeAnew(core, held, call, before.digest, before.void_until);
  if (before.outcome.end === "refused") return no(refused(before.outcome.code, before.outcome.message));
  if (before.outcome.end === "unknown") return no(refused("UNKNOWN_OUTCOME"));
  return replayed(before.outcome.end === "done" ? before.outcome.value : null);
}

/** A person's click has nothing to replay: only an agent's run is ended by a diverging step. */
function diverge(store: Store, { assignment }: Held): Told {
  if (!assignment.human) store.assignments.put(assignment.assignment, { ...assignment, fault: "REPLAY_DIVERGED" });
  return no(refused("REPLAY_DIVERGED"));
}

/** `sealed`: null where a person decided that it happened, and nobody knows what it returned. */
function replayed(sealed: string | null): Told {
  return { decision: "replayed", ledger: [], end: done({ permit: null, replay: sealed, stand_in: sealed === null }) };
}

function judgeAnew(core: Core, held: Held, call: Intend, callDigest: string, voidUntil?: number): Told {
  const judged = hasJournalRoom(core.store, call.assignment)
    ? judge(core, held, call)
    : refused("RESULT_TOO_LARGE", FULL);
  const operation = core.operations.get(call.capability);
  const entry: JournalEntry = {
    capability: call.capability,
    digest: callDigest,
    arguments: judged.end === "done" && operation?.effect === "write" ? (call.arguments as JsonObject) : {},
    proxy: operation?.proxy ?? "",
    effect: operation?.effect ?? "read",
    epoch: call.epoch,
    at: core.now(),
    reserved: judged.end === "done" ? judged.value : [],
    outcome: judged.end === "done" ? null : judged,
    ...(voidUntil !== undefined && { void_until: voidUntil }),
  };
  record(core.store, placeOf(held, call), entry);
  if (judged.end !== "done") return no(judged);
  return allow(permitOf(core, held, call, entry), take(core.store.ledger, judged.value));
}

/** Whether this call may be made: what to reserve, or why not. Decides from the kernel's own records; changes nothing. `total`: what counts as spent. */
export function judge(
  core: Core,
  held: Pick<Held, "task" | "case" | "assignment">,
  call: Pick<Intend, "capability" | "arguments">,
  total = (key: TotalKey) => core.store.ledger.get(key) ?? 0,
): Done<Reservation[]> | Refused {
  const operation = core.operations.get(call.capability);
  if (operation === undefined || operation.caller === "vault") return refused("CAPABILITY_UNKNOWN");
  const grant = core.roles.active(held.assignment.role)?.grant ?? {};
  const limits = Object.hasOwn(grant, call.capability) ? grant[call.capability] : undefined;
  if (limits === undefined) return refused("CAPABILITY_NOT_GRANTED");
  const checked = mustGet(core.checks.get(call.capability), call.capability)(call.arguments as JsonObject);
  if (checked.end !== "done") return refused("ARGUMENT_INVALID", checked.message);
  if (operation.customer === "required" && held.case.customer === null) return refused("CUSTOMER_REQUIRED");
  const amounts = amountsOf(operation, call.arguments as JsonObject);
  if (amounts.end !== "done") return amounts;
  const account = {
    task: held.task.task,
    subject: held.case.subject,
    role: held.assignment.role,
    capability: call.capability,
    day: core.day(core.now()),
  };
  return reserve(limits, amounts.value, account, total);
}

function permitOf(core: Core, { task, assignment, lease }: Held, { step, capability }: Intend, entry: JournalEntry) {
  const place = { task: task.task, assignment: assignment.assignment, case: task.case, step, epoch: lease.epoch };
  return permit(core, {
    ...place,
    proxy: entry.proxy,
    capability,
    arguments: entry.digest,
    mode: "live",
    ...voided(entry),
  });
}

function placeOf({ task, assignment }: Held, { step }: Intend) {
  return { task: task.task, assignment: assignment.assignment, step };
}

function allow(given: Intended["permit"], ledger: LedgerEffect[]): Told {
  return { decision: "allowed", ledger, end: done({ permit: given, replay: null, stand_in: false }) };
}

function no(end: Refused): Told {
  return { decision: "refused", ledger: [], end };
}

/** A capability the door was asked for enters the log only when it is one of ours: anything else is a stranger's text. */
function noteIntent(core: Core, held: Held | null, call: Intend, callDigest: string, told: Told): void {
  note(core, "intend", {
    ...(held && {
      task: held.task.task,
      case: held.case.case,
      assignment: held.assignment.assignment,
      role: held.assignment.role,
      keys: [held.lease.base_key, held.lease.task_key],
    }),
    ...(core.operations.has(call.capability) && { capability: call.capability }),
    ...(told.ledger.length > 0 && { ledger: told.ledger }),
    ...(told.end.end === "refused" && { code: told.end.code }),
    cell: call.cell,
    epoch: call.epoch,
    step: call.step,
    arguments: callDigest,
    decision: told.decision,
  });
}
