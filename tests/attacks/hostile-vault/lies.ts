/** Claims about a vault that was taken over and lies: about how calls ended, and about who a customer is. */
import { describe, expect, test } from "vitest";
import { story } from "../../../console/trial/shop.ts";
import { refused } from "../../../kernel/abi/ends.ts";
import { patience } from "../taken-over.ts";
import { type HostileVault, type Kept, twoOrders } from "./strings.ts";

const { customer, orders } = story.many;
const [denied, invented, voided, claimed] = orders;
/** The refund agent's limit of one call and of a customer's day, in minor units. */
const LIMIT = 50_000;

export function describeLies(of: () => HostileVault): void {
  const given = (kept: Kept) =>
    of()
      .outcomesOf(kept)
      .then((told) => told.map(({ outcome }) => outcome));
  const back = (kept: Kept) =>
    of()
      .outcomesOf(kept)
      .then((told) => told.flatMap(({ ledger }) => ledger ?? []).map(({ amount }) => amount));
  let call: Kept;

  describe("a vault that was taken over cannot", () => {
    test("report how a call ended that was never permitted, or not to this attempt", async () => {
      call = await of().refundCall(customer, denied, "60.00 USD");
      const done = { end: "done", value: "AAAA" };
      expect(await of().outcome(call, { ...done, step: 77 })).toBe("EPOCH_STALE");
      for (const epoch of [call.bind.epoch + 1, call.bind.epoch + 2])
        expect(await of().outcome(call, { ...done, epoch })).toBe("EPOCH_STALE");
      expect(await of().outcome(call, { ...done, assignment: "asgn_0000000000000000" })).toBe("EPOCH_STALE");
      expect(await of().outcome(call, { end: "done" })).toBe("ARGUMENT_INVALID");
      expect(await given(call)).toEqual([]);
    });

    test("deny an effect that happened: what it had reserved stays, whatever it shows for it", async () => {
      const proof = await of().proof("act", call, customer);
      const other = await of().refundCall(customer, invented, "60.00 USD");
      const denied_by = { code: "CONFLICT", message: "No." };
      const shown = [null, proof, "0".repeat(64), call.permit.mac, await of().proof("decide", other, customer)];
      for (const proof of shown)
        expect(await of().outcome(call, { end: "refused", ...denied_by, proof })).toBe("END_UNPROVEN");
      expect(await of().proof("decide", call, customer)).toBe(proof);
      expect(await given(call)).toEqual([]);
      expect(await of().outcome(call, { end: "done", value: "AAAA", proof })).toBe("done");
      expect(await of().outcome(call, { end: "refused", ...denied_by })).toBe("done"); // the first stays
      await expect.poll(() => given(call), patience).toEqual(["done"]);
      expect(await back(call)).toEqual([]);
      expect(await of().refundsOf(denied)).toHaveLength(1);
      await of().answer(call, refused("CONFLICT"));
      await of().answer(other, refused("CONFLICT"));
    });

    test("claim an effect that never happened, or have one after it was given back", async () => {
      const never = await of().refundCall(customer, claimed, "60.00 USD");
      expect(await of().outcome(never, { end: "done", value: "AAAA" })).toBe("END_UNPROVEN");
      const proof = await of().proof("decide", never, customer);
      expect(await of().outcome(never, { end: "done", value: "AAAA", proof })).toBe("END_UNPROVEN");
      expect(await of().outcome(never, { end: "refused", code: "CONFLICT", message: "No.", proof })).toBe("done");
      await expect.poll(() => back(never), patience).toContain(-6000);
      expect(await of().act("database", of().actOf(never, customer))).toBe("CONFLICT");
      expect(await of().refundsOf(claimed)).toEqual([]);
      await of().answer(never, refused("CONFLICT"));
    });

    test("deny an effect when the kernel has it decided: what it had reserved stays, and a person is asked", async () => {
      const open = await of().refundCall(customer, voided, "60.00 USD");
      const proof = await of().proof("act", open, customer);
      const end = { end: "done", value: { decided: "void", value: null, table: null, proof } };
      await of().pull("settle", { end });
      await of().answer(open, refused("CONFLICT")); // the agent escalates, and leaves an effect nobody has told of
      await expect.poll(() => given(open), patience).toEqual(["unknown"]);
      expect((await of().outcomesOf(open))[0]).toMatchObject({ code: "END_UNPROVEN" });
      expect(await back(open)).toEqual([]);
      expect(await of().refundsOf(voided)).toHaveLength(1);
    });
  });

  describe("a vault that was taken over can", () => {
    test("pass a customer off as another, and so over the limit of a customer's day, call by call within its own", async () => {
      await of().pull("keep", { capabilities: [] });
      await of().pull("disguise");
      const pair = twoOrders(LIMIT);
      for (const { id, customer, amount } of pair) {
        const task = await of().submit("refund", customer, { order: id, amount: `${(amount / 100).toFixed(2)} USD` });
        const event = async () => (await of().appliance.ask("task_show", { task })).line.event;
        await expect.poll(event, patience).toBe("Completed");
      }
      const made = await of().refunds();
      const sum = made
        .filter(({ customer }) => customer === pair[0].customer)
        .reduce((sum, { amount }) => sum + amount, 0);
      expect(sum).toBeGreaterThan(LIMIT);
    });
  });
}
