/**
 * `vault -> kernel: outcome`: how a permitted call ended, recorded before the cell gets its answer.
 *
 * Threat: a vault that has been taken over denies an effect that happened, and has its reservation back.
 * Contract: an outcome counts only under the epoch that was permitted; the first one stays. That an effect happened, and that it never will,
 * counts only with the proof of the proxy that acted; only with the second is a reservation given back.
 * Failure: EPOCH_STALE for a dead attempt: the next one acts again and gets the proxy's recorded effect. END_UNPROVEN: the reservation stays and
 * the call open, for the next attempt or a decision.
 */
import { done, type End, type Refused, refused } from "./abi/ends.ts";
import { fieldsOf, tokensOf } from "./abi/entry-fields.ts";
import type { RequestOf, vaultToKernel } from "./abi/messages.ts";
import { type EffectEnd, provenEnd } from "./abi/proof.ts";
import { isRefusalCode } from "./abi/refusals.ts";
import { addEntries, hasRoom } from "./cases.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { type CallPlace, close, recorded } from "./journal.ts";
import type { Case, JournalEntry, Outcome } from "./records.ts";

type Report = RequestOf<typeof vaultToKernel, "outcome">;

/** An outcome, and whether its reservation stays. */
export type Verdict = { outcome: Outcome; kept: boolean };

/**
 * Whether an outcome can only be recorded as reported, so that its answer need not wait for the disk. It is recorded before anything the
 * cell does next; a crash in between leaves an intent without outcome, which the next attempt decides by acting again. Entries of the
 * token table wait: once the vault has been told that they are kept it never sends them again, and a lost token would be given to another value.
 */
export function isCertain(core: Core, report: Report): boolean {
  const entry = permitted(core, report);
  if (report.end === "unknown" || entry === null || entry.outcome !== null || !isProven(core, report, entry))
    return false;
  if (report.end === "done" && report.value === null) return false;
  return report.table === null;
}

/** Records an outcome inside a transaction. */
export function outcome(core: Core, report: Report): End<Record<string, never>> {
  const entry = permitted(core, report);
  if (entry === null) return stale(core, report);
  const { assignment, case: matter } = assigned(core.store, report.task);
  if (entry.outcome !== null) return keepEntries(core, matter, report.table) ?? done({});
  if (report.end === "done" && report.value === null)
    return refused("ARGUMENT_INVALID", "A call that is done carries its sealed value.");
  if (!isProven(core, report, entry)) return unproven(core, report, entry);
  const verdict = withRoom(core, matter, entry, report.table, verdictOf(report));
  const ledger = close(core.store, report, entry, verdict.outcome, verdict.kept);
  if (verdict.outcome.end === "unknown" && !assignment.human)
    core.store.assignments.put(assignment.assignment, { ...assignment, fault: "UNKNOWN_OUTCOME" });
  note(core, "outcome", {
    task: report.task,
    case: matter.case,
    assignment: report.assignment,
    role: assignment.role,
    epoch: report.epoch,
    step: report.step,
    capability: entry.capability,
    arguments: entry.digest,
    tokens: tokensOf(report.tokens),
    fields: fieldsOf(report.fields),
    outcome: verdict.outcome.end,
    ...(verdict.outcome.end === "refused" && { code: verdict.outcome.code }),
    ...(ledger.length > 0 && { ledger }),
  });
  return verdict.outcome.end === "refused" && report.end === "done" ? verdict.outcome : done({});
}

/** The call this reports on, when it was permitted under this epoch and the attempt still lives. */
function permitted(core: Core, report: Report): JournalEntry | null {
  const lease = core.store.leases.get(report.task);
  if (lease?.assignment !== report.assignment || lease.epoch !== report.epoch) return null;
  const entry = recorded(core.store, report);
  return entry?.epoch === report.epoch ? entry : null;
}

function stale(core: Core, { task, assignment, epoch, step }: Report): End<Record<string, never>> {
  if (core.store.tasks.has(task))
    note(core, "outcome", { task, assignment, epoch, step, decision: "refused", code: "EPOCH_STALE" });
  return refused("EPOCH_STALE");
}

/** Whether the report needs no proof, or has the one that its end takes. */
function isProven(core: Core, report: Report, entry: JournalEntry): boolean {
  if (entry.effect === "read" || report.end === "unknown") return true;
  return provenEffect(core, report, entry, report.proof) === (report.end === "done" ? "happened" : "void");
}

/** How the proxy that acted says this effect ended, under the epoch of its latest permit. */
export function provenEffect(
  core: Core,
  { task, assignment, step }: CallPlace,
  { epoch, proxy, capability, digest }: JournalEntry,
  proof: string | null,
): EffectEnd | null {
  const { case: matter } = assigned(core.store, task).task;
  const call = { task, assignment, case: matter, step, epoch, proxy, capability, arguments: digest };
  return provenEnd(call, proof, mustGet(core.permitKeys.get(proxy), `permit-${proxy}`));
}

function unproven(core: Core, report: Report, { capability, digest }: JournalEntry): Refused {
  const { task, assignment, epoch, step } = report;
  const told = { decision: "refused", code: "END_UNPROVEN" } as const;
  note(core, "outcome", { task, assignment, epoch, step, capability, arguments: digest, ...told });
  return refused("END_UNPROVEN");
}

function verdictOf({ end, code, message, value }: Report): Verdict {
  if (end === "done") return { outcome: { end, value }, kept: true };
  if (end === "unknown") return { outcome: { end }, kept: true };
  return {
    outcome: refused(code !== null && isRefusalCode(code) ? code : "CONFLICT", message ?? undefined),
    kept: false,
  };
}

/**
 * Adds what the vault sealed to the case; where there is no room, the cell must not see the tokens it would stand for, so the
 * call ends CASE_TABLE_FULL. An effect has happened all the same and stays counted.
 */
export function withRoom(
  core: Core,
  matter: Case,
  entry: JournalEntry,
  table: string | null,
  verdict: Verdict,
): Verdict {
  const full = keepEntries(core, matter, table);
  return full === null ? verdict : { outcome: full, kept: verdict.kept && entry.effect === "write" };
}

/**
 * Keeps what the vault sealed, whether or not the call counts: once told so it never sends an entry again, and a token that was lost would
 * be given to another value. Null: kept, or nothing to keep. Else CASE_TABLE_FULL.
 */
export function keepEntries({ store }: Core, matter: Case, table: string | null): Refused | null {
  if (table === null) return null;
  if (!hasRoom(matter, [table])) return refused("CASE_TABLE_FULL");
  addEntries(store, matter, [table]);
  return null;
}
