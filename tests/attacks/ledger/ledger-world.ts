/** A kernel's own records, limits as a test sets them, and refunds as one task after the other asks for them. */
import { randomUUID } from "node:crypto";
import type { Limit } from "../../../kernel/abi/grant.ts";
import type { Claimed } from "../../../kernel/claim.ts";
import { intend } from "../../../kernel/intend.ts";
import { lease, refund, role, submitTask, type World } from "../../kernel/world.ts";

export const limitCodes = {
  call: "LIMIT_CALL",
  task: "LIMIT_TASK",
  customer_day: "LIMIT_CUSTOMER_DAY",
  role_day: "LIMIT_ROLE_DAY",
} as const;

export const usd = (scope: Limit["scope"], max: number): Limit => ({ measure: "amount", scope, unit: "USD", max });
export const calls = (scope: Limit["scope"], max: number): Limit => ({ measure: "calls", scope, unit: null, max });

/** The agent's limits from the next call on. */
export function setLimits(world: World, limits: Limit[]): void {
  world.roles.set("refund-agent", role("refund-agent", { grant: { "refund:create": limits, "order:list": [] } }));
}

export const subjectOf = (customer: number) => customer.toString(16).padStart(64, "0");

/** An attempt at a new task of this customer's: new also in a store that another process has written. */
export const attemptOf = (world: World, customer = 0): Claimed =>
  lease(world, submitTask(world, { subject: subjectOf(customer), idempotency: randomUUID() }));

/** One refund as the door would ask for it, not yet committed. */
export function refunding(world: World, { lease: held }: Claimed, step: number, amount: number) {
  const { cell, assignment, epoch } = held;
  const call = { cell, assignment, epoch, step, capability: "refund:create", arguments: refund(amount) };
  return () => intend(world.core, call);
}

/** Running totals of refunds, each by its scope, day, measure and whom it is kept for. */
export function totalsOf({ store }: World): Record<string, number> {
  const named = store.ledger.all().map(({ key, value }) => {
    const [scope, day, who, , , measure] = key as string[];
    return [`${scope} ${day} ${who} ${measure}`, value] as const;
  });
  return Object.fromEntries(named);
}
