/** The gate of the acting proxies: who gets through, and what each check alone keeps out. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PERMIT_MS } from "../../../kernel/abi/bounds.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { signPermit } from "../../../kernel/abi/permit.ts";
import { admitAct, admitDecide, ownOperations } from "../../../proxies/proxy/admit.ts";
import { actOf, KEY, permitFor } from "./permits.ts";

const operations = readOperations({ etc: "config" });
const own = ownOperations(operations, "database");
const admission = { proxy: "database", operations: own, key: KEY, now: Date.now };
const refund = { order: "O1234", amount: 24_750, currency: "USD", reason: "[NAME_1] was unhappy" };
const values = { ...refund, reason: "Maria was unhappy" };
const terms = { capability: "refund:create" };
const act = (permitted = refund, rest: { values?: typeof refund; customer?: string | null } = {}) =>
  actOf("database", terms, permitted, { values, customer: "C0042", ...rest });

test("a permitted call comes out with its key, epoch and values", () => {
  expect(admitAct(act(), admission)).toMatchObject({
    end: "done",
    value: {
      key: "task_0000000000000001/asgn_0000000000000001/1",
      epoch: 1,
      case: "case_0000000000000001",
      customer: "C0042",
      values,
    },
  });
});

test("a permit signed with another proxy's key is refused", () => {
  const permit = permitFor("database", terms, refund, Buffer.alloc(32, 8));
  expect(admitAct({ ...act(), permit }, admission)).toMatchObject({ code: "PERMIT_INVALID" });
});

test("every term of the permit is under its signature", () => {
  const { permit } = act();
  const changes = {
    task: "task_0000000000000002",
    assignment: "asgn_0000000000000002",
    case: "case_0000000000000002",
    step: 2,
    epoch: 2,
    expires: permit.expires + 1,
    arguments: "0".repeat(64),
    capability: "customer:read",
    mode: "shadow" as const,
    proxy: "kv",
  };
  for (const change of Object.entries(changes)) {
    const forged = { ...permit, ...Object.fromEntries([change]) };
    expect(admitAct({ ...act(), permit: forged }, admission), change[0]).toMatchObject({ code: "PERMIT_INVALID" });
  }
});

test("a permit is refused from the millisecond it expires", () => {
  const body = act();
  const late = (now: number) => admitAct(body, { ...admission, now: () => now });
  expect(late(body.permit.expires - 1)).toMatchObject({ end: "done" });
  expect(late(body.permit.expires)).toMatchObject({ code: "PERMIT_EXPIRED" });
});

test("whatever the mode, proxy and operation, nothing is done but what a live run does, and reads of a shadow or try", () => {
  const all = [...operations].map(([capability, { proxy, effect }]) => ({ capability, proxy, effect }));
  const modes = ["live", "shadow", "try", "replay"] as const;
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.constantFrom(...modes), ({ capability, proxy, effect }, mode) => {
      const admission = { proxy, operations: ownOperations(operations, proxy), key: KEY, now: Date.now };
      const body = actOf(proxy, { capability, mode }, {}, { customer: "C0042" });
      const ends = [admitAct(body, admission), admitDecide(body, admission)];
      const codes = ends.map((end) => (end.end === "refused" ? end.code : "MAY"));
      const may = mode === "live" || (mode !== "replay" && effect === "read");
      for (const code of codes) expect(code === "MODE_NOT_LIVE").toBe(!may);
    }),
  );
});

test("a vault that was taken over gets no effect with the permit of a read in shadow", () => {
  const read = permitFor("database", { capability: "order:list", mode: "shadow" }, {});
  expect(admitAct({ ...act(), permit: read }, admission)).toMatchObject({ code: "PERMIT_INVALID" });
  for (const change of [{ mode: "live" as const }, { capability: "refund:create" }]) {
    const forged = { ...read, ...change };
    expect(admitAct({ ...act({} as typeof refund), permit: forged }, admission)).toMatchObject({
      code: "PERMIT_INVALID",
    });
  }
});

test("other arguments than the permitted ones are refused, tokenised or hydrated", () => {
  const more = { ...refund, amount: 70_000 };
  expect(admitAct({ ...act(), arguments: more, values: more }, admission)).toMatchObject({ code: "PERMIT_INVALID" });
  expect(admitAct({ ...act(), values: { ...values, amount: 70_000 } }, admission)).toMatchObject({
    code: "PERMIT_INVALID",
  });
});

test("an operation of another proxy is refused even with a permit for this one", () => {
  const permitted = { key: "k" };
  const body = actOf("database", { capability: "kv:get" }, permitted);
  expect(admitAct(body, admission)).toMatchObject({ code: "PERMIT_INVALID" });
});

test("arguments the declaration does not allow are refused even when they were permitted", () => {
  for (const wrong of [
    { ...refund, currency: "EUR" },
    { ...refund, amount: 0 },
    { ...refund, extra: "1" },
  ]) {
    expect(admitAct(act(wrong, { values: wrong }), admission)).toMatchObject({ code: "ARGUMENT_INVALID" });
  }
});

test("an operation on a customer needs one, and one on none gets none", () => {
  expect(admitAct(act(refund, { customer: null }), admission)).toMatchObject({ code: "CUSTOMER_REQUIRED" });
  const kv = { ...admission, proxy: "kv", operations: ownOperations(operations, "kv") };
  const body = actOf("kv", { capability: "kv:get" }, { key: "k" }, { customer: "C0042" });
  expect(admitAct(body, kv)).toMatchObject({ end: "done", value: { customer: null } });
});

test("what a person has decided about reaches the proxy, and 0 where nobody has", () => {
  expect(admitAct(act(), admission)).toMatchObject({ value: { void_until: 0 } });
  const permit = permitFor("database", { ...terms, epoch: 5, void_until: 4 }, refund);
  expect(admitAct({ ...act(), permit }, admission)).toMatchObject({ value: { epoch: 5, void_until: 4 } });
});

test("a decision asks for a permit as an act does", () => {
  expect(admitDecide(act(), admission)).toMatchObject({ end: "done", value: { epoch: 1 } });
  const old = permitFor("database", { ...terms, expires: Date.now() - PERMIT_MS }, refund);
  expect(admitDecide({ permit: old, arguments: refund }, admission)).toMatchObject({ code: "PERMIT_EXPIRED" });
  const { mac: _, ...unsigned } = act().permit;
  const forged = signPermit(unsigned, Buffer.alloc(32));
  expect(admitDecide({ permit: forged, arguments: refund }, admission)).toMatchObject({ code: "PERMIT_INVALID" });
});
