/**
 * The calls of a run in shadow or try: reads are performed, effects are recorded and never performed.
 *
 * Threat: an agent that notices that it only plays acts all the same, fills what others need, or tries what a live run of its role may not.
 * Contract: a call is judged as a live one is, by the grant and the limits in force, with what this run would have spent so far and without what
 * the task spent live; nothing is reserved. A read gets a permit of this mode; an effect what its declaration says under `shadow`. What a read
 * brought up is known by its token in the whole case, so the table keeps its entries; its value is kept nowhere.
 * Failure: refused with the code a live run would get; RESULT_TOO_LARGE where the run has recorded as much as one may.
 */
import { type Done, done, type End, type Refused, refused } from "./abi/ends.ts";
import { fieldsOf, tokensOf } from "./abi/entry-fields.ts";
import { canonical, type Json, type JsonObject } from "./abi/json.ts";
import type { RequestOf, vaultToKernel } from "./abi/messages.ts";
import { performs } from "./abi/modes.ts";
import { isRefusalCode } from "./abi/refusals.ts";
import { assignmentsOf } from "./assign.ts";
import { type Comparison, type Made, placeOf } from "./comparison.ts";
import { assigned, type Core, note } from "./core.ts";
import { type Intend, type Intended, judge } from "./intend.ts";
import { keepEntries } from "./outcome.ts";
import { permit } from "./permits.ts";
import type { Ending, MadeCall, Reservation } from "./records.ts";
import type { Store } from "./store.ts";

/** Canonical JSON of all calls of one such run: it is shown beside the task's own. */
export const MADE_BYTES_MAX = 1024 * 1024;
const FULL = "This run has recorded as much as one may. Complete or escalate it.";

type Report = RequestOf<typeof vaultToKernel, "outcome">;

/** Running totals as they would be had the task spent nothing live: what to add to each. */
export function totalsWithout(store: Store, task: string): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { assignment } of assignmentsOf(store, task))
    for (const { value } of store.journal.under([assignment])) add(totals, value.reserved, -1);
  return totals;
}

function add(totals: Map<string, number>, reserved: readonly Reservation[], sign: 1 | -1): void {
  for (const { key, amount } of reserved) {
    const name = canonical(key as Json);
    totals.set(name, (totals.get(name) ?? 0) + sign * amount);
  }
}

/** Decides one call: a permit to read, the declared stand-in for an effect, or why not. Writes nothing. */
export function decideUnspent(
  core: Core,
  comparison: Comparison,
  call: Intend,
  callDigest: string,
): Done<Intended> | Refused {
  const before = comparison.made.get(call.step);
  if (before !== undefined && (before.digest !== callDigest || before.call.capability !== call.capability))
    return refused("REPLAY_DIVERGED");
  if (before === undefined && comparison.made_bytes >= MADE_BYTES_MAX) return refused("RESULT_TOO_LARGE", FULL);
  const end = before === undefined ? judgeFirst(core, comparison, call, callDigest) : refusalOf(before.call);
  if (end !== null) return end;
  const operation = core.operations.get(call.capability);
  if (operation === undefined || !performs(comparison.mode, operation.effect))
    return done({ permit: null, replay: null, stand_in: true });
  const { task, case: matter } = placeOf(core.store, comparison);
  const { assignment, epoch, step, capability } = call;
  const place = { task, assignment, case: matter, step, epoch, capability, arguments: callDigest };
  const given = permit(core, { ...place, proxy: operation.proxy, mode: comparison.mode });
  return done({ permit: given, replay: null, stand_in: false });
}

/** Judges a step that was not made before and remembers it. Null: it may go on. */
function judgeFirst(core: Core, comparison: Comparison, call: Intend, callDigest: string): Refused | null {
  const { task, case: matter } = assigned(core.store, comparison.task);
  const total = (key: Reservation["key"]) =>
    (core.store.ledger.get(key) ?? 0) + (comparison.totals.get(canonical(key as Json)) ?? 0);
  const judged = judge(core, { task, case: matter, assignment: comparison.assignment }, call, total);
  const { step, capability } = call;
  const isEffect = core.operations.get(capability)?.effect === "write";
  const made: Made = {
    digest: callDigest,
    call: {
      ...{ step, capability, arguments: isEffect ? (call.arguments as JsonObject) : {} },
      ...{ outcome: isEffect ? "recorded" : null, code: null, message: null },
    },
  };
  if (judged.end === "done") add(comparison.totals, judged.value, 1);
  else made.call = { ...made.call, outcome: "refused", code: judged.code, message: judged.message };
  comparison.made.set(step, made);
  comparison.made_bytes += Buffer.byteLength(JSON.stringify(made.call));
  return judged.end === "done" ? null : judged;
}

function refusalOf({ outcome, code, message }: MadeCall): Refused | null {
  return outcome === "refused" && code !== null ? refused(code, message ?? undefined) : null;
}

/** `vault -> kernel: outcome` of a read, inside a transaction that keeps the table's entries and an audit entry. */
export function learn(core: Core, comparison: Comparison, report: Report): End<Record<string, never>> {
  const made = comparison.made.get(report.step);
  const effect = core.operations.get(made?.call.capability ?? "")?.effect;
  const isRead = effect !== undefined && performs(comparison.mode, effect) && made?.call.outcome !== "refused";
  if (made === undefined || !isRead || comparison.lease?.epoch !== report.epoch) return refused("EPOCH_STALE");
  const { case: matter } = assigned(core.store, comparison.task);
  const end = keepEntries(core, matter, report.table) ?? reportedEnd(report);
  const told = end.end === "done" ? { outcome: end.end } : { outcome: end.end, code: end.code };
  const message = end.end === "done" ? null : end.message;
  if (made.call.outcome === null) made.call = { ...made.call, code: null, ...told, message };
  comparison.made_bytes += message?.length ?? 0;
  note(core, "outcome", {
    ...placeOf(core.store, comparison),
    ...{ step: report.step, capability: made.call.capability, arguments: made.digest },
    ...{ tokens: tokensOf(report.tokens), fields: fieldsOf(report.fields) },
    ...told,
  });
  return end.end === "refused" && report.end === "done" ? end : done({});
}

function reportedEnd({ end, code, message }: Report): Done<null> | Refused {
  if (end === "done") return done(null);
  return refused(code !== null && isRefusalCode(code) ? code : "CONFLICT", message ?? undefined);
}

/** What the run came to, for whoever looks at it. */
export function madeCalls({ made }: Comparison): MadeCall[] {
  return [...made.values()].map(({ call }) => call).sort((a, b) => a.step - b.step);
}

/** How it ended, for whoever looks at it. */
export function endOf({ how, ...said }: Ending): { how: string; said: Record<string, unknown> } {
  return { how, said };
}

/** Why a run tells nothing: it never ran, or its cell was lost. */
export function notRun(comparison: Comparison, ending: Ending | null): boolean {
  return comparison.lease === null || comparison.fault !== null || ending === null || ending.how === "lost";
}
