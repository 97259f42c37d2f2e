/**
 * The ledger: running totals against limits, per task, per customer and day, per role and day.
 *
 * Threat: an agent does more than its role may, in one call, in many small ones, or in two that are decided at the same moment.
 * Contract: `reserve` says yes only when every limit of every amount holds with this call added, and names the totals to raise;
 * they are raised in the transaction that decides, before anything happens, and lowered only for what certainly did not happen.
 * Failure: a number that is not a whole one from 0, a currency without a limit, a limit that cannot be measured: refused.
 */
import { type Done, done, type Refused, refused } from "./abi/ends.ts";
import type { LedgerEffect } from "./abi/entry-fields.ts";
import type { Limit, Scope } from "./abi/grant.ts";
import type { JsonObject } from "./abi/json.ts";
import type { Operation } from "./abi/operations.ts";
import { type RefusalCode, refusalCodes } from "./abi/refusals.ts";
import { formatMoney } from "./money.ts";
import type { Reservation, TotalKey } from "./records.ts";
import type { Table } from "./table.ts";

/** One number of a call: money in minor units of `unit`, or a plain number where `unit` is null. */
export type Amount = { measure: string; unit: string | null; amount: number };

/** What the totals of a call are kept for. `day` as of daysIn(). */
export type Account = { task: string; subject: string | null; role: string; capability: string; day: string };

type RunningScope = Exclude<Scope, "call">;

const CALLS = "calls";
const RUNNING: readonly RunningScope[] = ["task", "customer_day", "role_day"];
const codeOf: Record<Scope, RefusalCode> = {
  call: "LIMIT_CALL",
  task: "LIMIT_TASK",
  customer_day: "LIMIT_CUSTOMER_DAY",
  role_day: "LIMIT_ROLE_DAY",
};

/** The limited numbers of one call, taken out of its arguments, and the call itself as one of `calls`. */
export function amountsOf(operation: Pick<Operation, "limited">, given: JsonObject): Done<Amount[]> | Refused {
  const amounts: Amount[] = [{ measure: CALLS, unit: null, amount: 1 }];
  for (const [measure, source] of Object.entries(operation.limited ?? {})) {
    const amount = own(given, measure);
    const unit = source === "count" ? null : own(given, source);
    if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < 0)
      return refused("ARGUMENT_INVALID", `The argument "${measure}" must be a whole number from 0.`);
    if (unit !== null && typeof unit !== "string")
      return refused("ARGUMENT_INVALID", `The argument "${source}" must name a currency.`);
    amounts.push({ measure, unit, amount });
  }
  return done(amounts);
}

/** Whether all `limits` hold with these amounts added; if so, what to add to which totals. Reads totals, changes none. */
export function reserve(
  limits: readonly Limit[],
  amounts: readonly Amount[],
  account: Account,
  total: (key: TotalKey) => number,
): Done<Reservation[]> | Refused {
  for (const amount of amounts) {
    const refusal = refusalOf(limits, amount, account, total);
    if (refusal !== null) return refusal;
  }
  return done(amounts.flatMap((amount) => reservationsOf(limits, amount, account)));
}

function refusalOf(
  limits: readonly Limit[],
  amount: Amount,
  account: Account,
  total: (key: TotalKey) => number,
): Refused | null {
  const applying = limits.filter((limit) => applies(limit, amount));
  if (applying.length === 0 && amount.measure !== CALLS) return refused("LIMIT_UNIT");
  if (account.subject === null && applying.some((limit) => limit.scope === "customer_day"))
    return refused("CUSTOMER_REQUIRED");
  const left = (limit: Limit) => limit.max - (limit.scope === "call" ? 0 : total(keyOf(limit.scope, amount, account)));
  const passed = applying.find((limit) => amount.amount > left(limit));
  if (passed === undefined) return null;
  const least = Math.max(0, Math.min(...applying.map(left)));
  return refused(codeOf[passed.scope], sentence(codeOf[passed.scope], least, amount.unit));
}

function sentence(code: RefusalCode, left: number, unit: string | null): string {
  const reason = refusalCodes[code].replace(". Escalate for more.", "");
  return `${reason}; limit left: ${unit === null ? left : formatMoney(left, unit)}; escalate for more.`;
}

/** Limited numbers are counted in every scope, so that a limit set later today knows today; calls only where they are limited. */
function reservationsOf(limits: readonly Limit[], amount: Amount, account: Account): Reservation[] {
  return RUNNING.filter((scope) => scope !== "customer_day" || account.subject !== null)
    .filter(
      (scope) => amount.measure !== CALLS || limits.some((limit) => limit.scope === scope && applies(limit, amount)),
    )
    .map((scope) => ({ key: keyOf(scope, amount, account), amount: amount.amount }));
}

function applies(limit: Limit, amount: Amount): boolean {
  return limit.measure === amount.measure && limit.unit === amount.unit;
}

function keyOf(scope: RunningScope, amount: Amount, account: Account): TotalKey {
  const who = { task: account.task, customer_day: account.subject ?? "", role_day: account.role }[scope];
  const day = scope === "task" ? "" : account.day;
  return [scope, day, who, account.role, account.capability, amount.measure, amount.unit ?? ""];
}

function own(given: JsonObject, name: string) {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}

/** Adds the reservations to their totals (inside a transaction); returns what the log says about it. */
export function take(ledger: Table<number>, reservations: readonly Reservation[]): LedgerEffect[] {
  return reservations.map(({ key, amount }) => change(ledger, key, amount));
}

/** Gives the reservations back (inside a transaction), on the days they were made. */
export function release(ledger: Table<number>, reservations: readonly Reservation[]): LedgerEffect[] {
  return reservations.map(({ key, amount }) => change(ledger, key, -amount));
}

function change(ledger: Table<number>, key: TotalKey, amount: number): LedgerEffect {
  const total = (ledger.get(key) ?? 0) + amount;
  ledger.put(key, total);
  const [scope, , , , , measure, unit] = key;
  return { scope, measure, unit: unit === "" ? null : unit, amount, total };
}
