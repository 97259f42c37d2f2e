import { afterEach, beforeEach, expect, test } from "vitest";
import { CASE_TABLE_BYTES_MAX, LEASE_MS, PERMIT_MS } from "../../kernel/abi/bounds.ts";
import { checkPermit, type Permit } from "../../kernel/abi/permit.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { JOURNAL_BYTES_MAX, SMALL_BYTES } from "../../kernel/journal.ts";
import { isCertain } from "../../kernel/outcome.ts";
import {
  call,
  codeOf,
  end,
  lease,
  logged,
  now,
  openWorld,
  permitKey,
  refund,
  report,
  role,
  submitTask,
  type World,
} from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const permitOf = (given: ReturnType<typeof call>): Permit => {
  if (given.end !== "done" || given.value.permit === null) throw new Error(JSON.stringify(given));
  return given.value.permit;
};
const attempt = (over = {}) => lease(world, submitTask(world, over));
const totals = () => world.store.ledger.all().map(({ value }) => value);

test("a granted call gets a permit for exactly its arguments, at its epoch, for a while", () => {
  const claimed = attempt();
  const permit = permitOf(call(world, claimed, 1, "refund:create", refund(24_750)));
  const { task, case: matter } = claimed.document;
  expect(permit).toMatchObject({ task, case: matter, step: 1, epoch: 1, proxy: "database", mode: "live" });
  const told = { proxy: "database", capability: "refund:create", effect: "write" as const };
  const check = { ...told, arguments: refund(24_750), now: world.clock.now };
  expect(checkPermit(permit, check, permitKey("database")).end).toBe("done");
  expect(checkPermit(permit, { ...check, arguments: refund(1) }, permitKey("database")).end).toBe("refused");
  expect(checkPermit(permit, { ...check, now: world.clock.now + PERMIT_MS }, permitKey("database")).end).toBe(
    "refused",
  );
});

test("an intent is in the log with its reservation before its permit exists", () => {
  const claimed = attempt();
  call(world, claimed, 1, "refund:create", refund(24_750));
  const [last] = world.store.audit.all().slice(-1);
  const entry = JSON.parse(last?.value.entry ?? "");
  expect(entry).toMatchObject({ verb: "intend", decision: "allowed", step: 1, capability: "refund:create" });
  expect(entry.keys).toEqual([claimed.lease.base_key, claimed.lease.task_key]);
  expect(entry.ledger).toContainEqual({
    scope: "customer_day",
    measure: "amount",
    unit: "USD",
    amount: 24_750,
    total: 24_750,
  });
});

test.each([
  ["another capability", "customer:update_email", { email: "[EMAIL_1]" }, "CAPABILITY_NOT_GRANTED"],
  ["a capability that does not exist", "vault:open", {}, "CAPABILITY_UNKNOWN"],
  ["the vault's own operation", "customer:known", {}, "CAPABILITY_UNKNOWN"],
  ["an unknown argument", "order:list", { customer: "C0001" }, "ARGUMENT_INVALID"],
  ["a negative amount", "refund:create", refund(-1), "ARGUMENT_INVALID"],
  ["an amount that is text", "refund:create", { ...refund(1), amount: "1" }, "ARGUMENT_INVALID"],
  ["more than one call may", "refund:create", refund(50_001), "LIMIT_CALL"],
])("%s is refused even when a taken-over door asks for it", (_, capability, given, code) => {
  const claimed = attempt();
  expect(codeOf(call(world, claimed, 1, capability, given))).toBe(code);
  expect(totals()).toEqual([]);
  expect(world.store.open.all()).toEqual([]);
});

test("a refused intend leaves nothing but its refusal in journal and log", () => {
  const claimed = attempt();
  const before = { audit: world.store.audit.count(), ledger: totals() };
  call(world, claimed, 1, "refund:create", refund(70_000));
  expect(world.store.audit.count()).toBe(before.audit + 1);
  expect(logged(world).at(-1)).toBe("intend LIMIT_CALL");
  expect(totals()).toEqual(before.ledger);
  expect(world.store.journal.all().map(({ value }) => value.outcome?.end)).toEqual(["refused"]);
});

test("the ninth of ten refunds of $60 for one customer on one day is refused by the ledger, for another customer it is not", () => {
  const codes = Array.from({ length: 10 }, () => codeOf(call(world, attempt(), 1, "refund:create", refund(6_000))));
  expect(codes).toEqual([...Array(8).fill("done"), "LIMIT_CUSTOMER_DAY", "LIMIT_CUSTOMER_DAY"]);
  const other = attempt({ subject: "6".repeat(64) });
  expect(codeOf(call(world, other, 1, "refund:create", refund(6_000)))).toBe("done");
});

test("a new day in the appliance's time zone begins with new totals", () => {
  expect(codeOf(call(world, attempt(), 1, "refund:create", refund(50_000)))).toBe("done");
  expect(codeOf(call(world, attempt(), 1, "refund:create", refund(1)))).toBe("LIMIT_CUSTOMER_DAY");
  world.clock.now = Date.UTC(2026, 10, 22, 23, 59, 59, 999);
  expect(codeOf(call(world, attempt(), 1, "refund:create", refund(1)))).toBe("LIMIT_CUSTOMER_DAY");
  world.clock.now += 1;
  expect(codeOf(call(world, attempt(), 1, "refund:create", refund(1)))).toBe("done");
});

test("a lowered limit and a withdrawn capability apply to the next call of a running cell", () => {
  const claimed = attempt();
  expect(codeOf(call(world, claimed, 1, "refund:create", refund(100)))).toBe("done");
  const lowered = { "refund:create": [{ measure: "amount", scope: "call" as const, unit: "USD", max: 99 }] };
  world.roles.set("refund-agent", role("refund-agent", { grant: lowered }));
  expect(codeOf(call(world, claimed, 2, "refund:create", refund(100)))).toBe("LIMIT_CALL");
  expect(codeOf(call(world, claimed, 3, "customer:read"))).toBe("CAPABILITY_NOT_GRANTED");
});

test("a fourth e-mail of one task is over its calls, in the same task's next attempt too", () => {
  const mail = { to: "[EMAIL_1]", subject: "Hello", body: "Dear [NAME_1]" };
  const task = submitTask(world);
  const first = lease(world, task);
  for (const step of [1, 2, 3]) {
    expect(codeOf(call(world, first, step, "email:send", mail))).toBe("done");
    report(world, first, step);
  }
  end(world, task, { how: "exit" });
  world.clock.now += 60_000;
  expect(codeOf(call(world, lease(world, task), 4, "email:send", mail))).toBe("LIMIT_TASK");
});

test("a step that was done is replayed, and nothing is reserved again", () => {
  const claimed = attempt();
  call(world, claimed, 1, "refund:create", refund(100));
  report(world, claimed, 1, { value: "cmVzdWx0" });
  const again = call(world, claimed, 1, "refund:create", refund(100));
  expect(again).toEqual({ end: "done", value: { permit: null, replay: "cmVzdWx0", stand_in: false } });
  expect(totals()).toEqual([100, 100, 100]);
});

test("an open intent is permitted again under the new epoch, and nothing is reserved again", () => {
  const task = submitTask(world);
  const first = lease(world, task);
  call(world, first, 1, "refund:create", refund(100));
  end(world, task, { how: "exit" });
  world.clock.now += 60_000;
  const second = lease(world, task);
  const permit = permitOf(call(world, second, 1, "refund:create", refund(100)));
  expect([permit.epoch, totals()]).toEqual([2, [100, 100, 100]]);
  expect(codeOf(report(world, first, 1))).toBe("EPOCH_STALE");
  expect(codeOf(report(world, second, 1))).toBe("done");
});

test("what a dead attempt reports does not count, not even before the next one has asked again", () => {
  const task = submitTask(world);
  const first = lease(world, task);
  call(world, first, 1, "refund:create", refund(100));
  end(world, task, { how: "exit" });
  expect(codeOf(report(world, first, 1))).toBe("EPOCH_STALE");
  world.clock.now += 60_000;
  lease(world, task);
  expect(codeOf(report(world, first, 1))).toBe("EPOCH_STALE");
});

test("the first outcome of a call stays", () => {
  const claimed = attempt();
  call(world, claimed, 1, "refund:create", refund(100));
  report(world, claimed, 1, { value: "Zmlyc3Q" });
  expect(codeOf(report(world, claimed, 1, { end: "refused", code: "CONFLICT", value: null }))).toBe("done");
  expect(call(world, claimed, 1, "refund:create", refund(100))).toMatchObject({ value: { replay: "Zmlyc3Q" } });
  expect(totals()).toEqual([100, 100, 100]);
});

test("a refusal is replayed as it was, even when the limit has been raised since", () => {
  const task = submitTask(world);
  const refusal = call(world, lease(world, task), 1, "refund:create", refund(70_000));
  end(world, task, { how: "exit" });
  world.clock.now += 60_000;
  const raised = { "refund:create": [{ measure: "amount", scope: "call" as const, unit: "USD", max: 10 ** 6 }] };
  world.roles.set("refund-agent", role("refund-agent", { grant: raised }));
  expect(call(world, lease(world, task), 1, "refund:create", refund(70_000))).toEqual(refusal);
});

test("other arguments under a step that was made end the run: every later call is REPLAY_DIVERGED", () => {
  const claimed = attempt();
  call(world, claimed, 1, "refund:create", refund(100));
  report(world, claimed, 1);
  expect(codeOf(call(world, claimed, 1, "refund:create", refund(200)))).toBe("REPLAY_DIVERGED");
  expect(codeOf(call(world, claimed, 1, "refund:create", refund(100)))).toBe("REPLAY_DIVERGED");
  expect(codeOf(call(world, claimed, 2, "order:list"))).toBe("REPLAY_DIVERGED");
});

test("a call of a dead epoch, of another cell, of an ended task or after the lease ran out is EPOCH_STALE", () => {
  const task = submitTask(world);
  const first = lease(world, task);
  end(world, task, { how: "exit" });
  world.clock.now += 60_000;
  const second = lease(world, task);
  expect(codeOf(call(world, first, 1, "order:list"))).toBe("EPOCH_STALE");
  const { lease: held } = second;
  expect(codeOf(call(world, { ...second, lease: { ...held, cell: first.lease.cell } }, 1, "order:list"))).toBe(
    "EPOCH_STALE",
  );
  expect(codeOf(call(world, { ...second, lease: { ...held, epoch: 3 } }, 1, "order:list"))).toBe("EPOCH_STALE");
  world.clock.now = held.expires - 1;
  expect(codeOf(call(world, second, 1, "order:list"))).toBe("done");
  world.clock.now = held.expires;
  expect(held.expires - held.claimed).toBe(LEASE_MS);
  expect(codeOf(call(world, second, 2, "order:list"))).toBe("EPOCH_STALE");
  end(world, task);
  expect(codeOf(call(world, second, 1, "order:list"))).toBe("EPOCH_STALE");
});

test("a case without a customer can use only operations that need none", () => {
  const claimed = attempt({ kind: "hello", customer: null, subject: null });
  world.roles.set("hello", role("hello"));
  expect(codeOf(call(world, claimed, 1, "order:list"))).toBe("CUSTOMER_REQUIRED");
});

test("a stranger's text in the place of a capability does not enter the log", () => {
  call(world, attempt(), 1, "john:smith", {});
  const text = world.store.audit
    .all()
    .map(({ value }) => value.entry)
    .join();
  expect(text).toContain("CAPABILITY_UNKNOWN");
  expect(text).not.toContain("john");
});

test("an assignment records so many bytes and no more", () => {
  const claimed = attempt();
  const { assignment } = claimed.lease;
  const fill = (bytes: number) => now(world, () => world.store.journalBytes.put(assignment, bytes));
  fill(JOURNAL_BYTES_MAX - 1);
  expect(codeOf(call(world, claimed, 1, "order:list"))).toBe("done");
  report(world, claimed, 1, { value: "x".repeat(SMALL_BYTES + 1) });
  expect(world.store.journalBytes.get(assignment)).toBe(JOURNAL_BYTES_MAX + SMALL_BYTES);
  expect(codeOf(call(world, claimed, 2, "order:list"))).toBe("RESULT_TOO_LARGE");
  expect(codeOf(call(world, claimed, 1, "order:list"))).toBe("done");
});

test("only an outcome that can be recorded in one way, and carries no token the vault must keep, is answered before it is on disk", () => {
  const claimed = attempt();
  call(world, claimed, 1, "order:list");
  const { assignment, epoch } = claimed.lease;
  const told = {
    code: null,
    message: null,
    table: null,
    proof: null,
    tokens: [],
    fields: [],
    end: "done" as const,
    value: "dg",
  };
  const certain = (over = {}) =>
    isCertain(world.core, { task: claimed.document.task, assignment, step: 1, epoch, ...told, ...over });
  expect(certain()).toBe(true);
  expect(certain({ table: "x" })).toBe(false);
  expect(certain({ end: "unknown", value: null })).toBe(false);
  expect(certain({ value: null })).toBe(false);
  expect(certain({ epoch: epoch + 1 })).toBe(false);
  expect(certain({ step: 2 })).toBe(false);
  report(world, claimed, 1);
  expect(certain()).toBe(false);
});

test("what a vault says of an effect without the proxy's proof is no certain outcome", () => {
  const claimed = attempt();
  call(world, claimed, 1, "refund:create", refund(1));
  const { assignment, epoch } = claimed.lease;
  const told = { code: null, message: null, table: null, proof: null, tokens: [], fields: [] };
  const place = { task: claimed.document.task, assignment, step: 1, epoch };
  expect(isCertain(world.core, { ...place, ...told, end: "done", value: "dg" })).toBe(false);
  expect(isCertain(world.core, { ...place, ...told, end: "refused", code: "NOT_FOUND", value: null })).toBe(false);
});

test("an outcome of a read that the case has no room for is withheld, one of an effect stays counted", () => {
  const claimed = attempt({ sealed: ["x".repeat(CASE_TABLE_BYTES_MAX - 4)] });
  call(world, claimed, 1, "order:list");
  call(world, claimed, 2, "refund:create", refund(100));
  expect(codeOf(report(world, claimed, 1, { table: "fits" }))).toBe("done");
  expect(codeOf(report(world, claimed, 2, { table: "x" }))).toBe("CASE_TABLE_FULL");
  expect(codeOf(call(world, claimed, 2, "refund:create", refund(100)))).toBe("CASE_TABLE_FULL");
  expect(totals()).toEqual([100, 100, 100]);
});
