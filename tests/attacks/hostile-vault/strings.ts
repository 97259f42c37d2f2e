/** What the tests make a vault that was taken over do. */
import { expect, vi } from "vitest";
import { makeShop } from "../../../console/trial/shop.ts";
import type { ProxyName } from "../../../kernel/abi/edges.ts";
import type { End } from "../../../kernel/abi/ends.ts";
import type { Permit } from "../../../kernel/abi/permit.ts";
import { type Entry, patience, startTakenOver } from "../taken-over.ts";
import type { Bind, Call } from "./main.ts";

/** A call that was kept back, with the permit the kernel gave for it and the bind of its cell. */
export type Kept = { call: Call; permit: Permit; bind: Bind };
type Act = { permit: Permit; arguments: object; values: object; customer: string | null };

export type HostileVault = Awaited<ReturnType<typeof startHostileVault>>;

/** Calls of these capabilities are kept back until a test answers them. */
const kept = ["customer:read", "refund:create", "email:send"];

export async function startHostileVault() {
  const taken = await startTakenOver("vault", "hostile-vault/main.ts");
  const { pull, say, code } = taken;
  await pull("keep", { capabilities: kept });

  /** The call of that capability that the task's newest cell waits for. */
  function keptOf(task: string, capability: string): Promise<Kept> {
    return vi.waitFor(async () => {
      const bind = (await pull<Bind[]>("binds")).findLast((one) => one.task === task);
      const call = (await pull<Call[]>("kept")).find(
        (one) => one.cell === bind?.cell && one.capability === capability && one.permit?.epoch === bind.epoch,
      );
      if (bind === undefined || !call?.permit) throw new Error(`${task} makes no call ${capability}.`);
      return { call, permit: call.permit, bind };
    }, patience);
  }

  const answer = ({ call: { cell, step } }: Kept, end: End<{ value: unknown }> | null) =>
    pull("answer", { cell, step, end });
  const actOf = ({ permit, call }: Kept, customer: string): Act => {
    return { permit, arguments: call.arguments, values: call.arguments, customer };
  };

  return {
    ...taken,
    keptOf,
    answer,
    actOf,
    act: (to: ProxyName, body: Partial<Record<keyof Act, unknown>>) => code(to, "act", body),
    /** Lets the honest vault do and report it. */
    async pass(task: string, capability: string): Promise<void> {
      await answer(await keptOf(task, capability), null);
    },
    /** A refund that stands at its call, nothing of it done. */
    async refundCall(customer: string, order: string, amount: string): Promise<Kept> {
      const task = await taken.submit("refund", customer, { order, amount });
      await answer(await keptOf(task, "customer:read"), null);
      return keptOf(task, "refund:create");
    },
    /** The proof that a request of this effect at the database ends with; null: none. */
    async proof(of: "act" | "decide", kept: Kept, customer: string): Promise<string | null> {
      const { permit, arguments: given } = actOf(kept, customer);
      const { value } = await say("database", of, of === "act" ? actOf(kept, customer) : { permit, arguments: given });
      return (value as { proof: string | null } | undefined)?.proof ?? null;
    },
    /** What the act's proxy returned. */
    async result(to: ProxyName, body: Act): Promise<unknown> {
      const { end, value } = await say(to, "act", body);
      expect(end).toBe("done");
      return (value as { result: unknown }).result;
    },
    outcome: ({ permit, bind }: Kept, told: object) => {
      const { task, assignment, epoch } = bind;
      const nothing = { code: null, message: null, value: null, proof: null, table: null, tokens: [], fields: [] };
      return code("kernel", "outcome", { task, assignment, epoch, step: permit.step, ...nothing, ...told });
    },
    /** What the log tells of a call's end, but for reports that were refused. */
    async outcomesOf({ permit }: Kept): Promise<Entry[]> {
      return (await taken.entries(String(permit.task))).filter(
        ({ verb, step, decision }) => verb === "outcome" && step === permit.step && decision === undefined,
      );
    },
    refundsOf: async (order: string) => (await taken.refunds()).filter((refund) => refund.order === order),
  };
}

const { customers, orders } = makeShop();

export function customerOf(id: string) {
  const found = customers.find((customer) => customer.id === id);
  if (found === undefined) throw new Error(`There is no customer ${id}.`);
  return found;
}

/** Two orders of one customer, each within the limit of a call (minor units), both together over that of the customer's day. */
export function twoOrders(limit: number) {
  for (const { id } of customers.slice(200)) {
    const [first, second] = orders.filter(({ customer, amount }) => customer === id && amount <= limit);
    if (first && second && first.amount + second.amount > limit) return [first, second] as const;
  }
  throw new Error("No customer has two such orders.");
}
