/** What a decision leaves in journal and log, and how a step that was made before is answered. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { done } from "../../kernel/abi/ends.ts";
import { digest, type JsonObject } from "../../kernel/abi/json.ts";
import type { Claimed } from "../../kernel/claim.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { intend } from "../../kernel/intend.ts";
import { close, JOURNAL_BYTES_MAX, recorded } from "../../kernel/journal.ts";
import type { Outcome } from "../../kernel/records.ts";
import { call, codeOf, end, lease, NOON, now, openWorld, refund, role, submitTask, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const attempt = () => lease(world, submitTask(world));
const given = refund(100);
const entryOf = ({ lease: { assignment } }: Claimed, step = 1) => recorded(world.store, { assignment, step });
/** The newest entry of the log, but for its time and version. */
function told() {
  const { time: _, schema: __, ...entry } = JSON.parse(world.store.audit.all().at(-1)?.value.entry ?? "{}");
  return entry;
}

/** The first step of this attempt, a refund that ended so. */
function ended(claimed: Claimed, outcome: Outcome, kept: boolean): void {
  call(world, claimed, 1, "refund:create", given);
  const place = { task: claimed.document.task, assignment: claimed.lease.assignment, step: 1 };
  now(world, () => close(world.store, place, entryOf(claimed) ?? expect.fail("no entry"), outcome, kept));
}

/** The task in maria's hands, after the agent's run. */
function taken(task: string): Claimed {
  end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  now(world, () => {
    const waiting = world.store.waiting.get(task);
    if (waiting?.for === "human") world.store.waiting.put(task, { ...waiting, person: "maria" });
  });
  return lease(world, task, { person: "maria", tool: "create_refund", arguments: {} });
}

test("an allowed effect is journaled whole, a read without its arguments, a refusal without either", () => {
  const claimed = attempt();
  call(world, claimed, 1, "refund:create", given);
  const at = { epoch: 1, at: NOON };
  expect(entryOf(claimed)).toEqual({
    ...at,
    capability: "refund:create",
    digest: digest(given),
    arguments: given,
    proxy: "database",
    effect: "write",
    reserved: [
      expect.objectContaining({ amount: 100 }),
      expect.objectContaining({ amount: 100 }),
      expect.objectContaining({ amount: 100 }),
    ],
    outcome: null,
  });
  call(world, claimed, 2, "order:read", { order: "O1234" });
  expect(entryOf(claimed, 2)).toMatchObject({ ...at, proxy: "database", effect: "read", reserved: [] });
  call(world, claimed, 3, "refund:create", refund(70_000));
  const refused = { effect: "write", reserved: [], outcome: { end: "refused", code: "LIMIT_CALL" } };
  expect(entryOf(claimed, 3)).toMatchObject(refused);
  for (const step of [2, 3]) expect(entryOf(claimed, step)?.arguments).toEqual({});
  call(world, claimed, 4, "vault:open");
  expect(entryOf(claimed, 4)).toMatchObject({ proxy: "", effect: "read", outcome: { code: "CAPABILITY_UNKNOWN" } });
});

test("the log is told who asked for what, under which keys, and what was decided, and nothing else", () => {
  const claimed = attempt();
  const { task, case: matter } = claimed.document;
  const { assignment, cell, base_key, task_key } = claimed.lease;
  const who = {
    verb: "intend",
    task,
    case: matter,
    assignment,
    role: "refund-agent",
    cell,
    keys: [base_key, task_key],
  };
  const what = { epoch: 1, capability: "refund:create" };
  call(world, claimed, 1, "refund:create", given);
  const effect = { measure: "amount", unit: "USD", amount: 100, total: 100 };
  const ledger = ["task", "customer_day", "role_day"].map((scope) => ({ scope, ...effect }));
  expect(told()).toEqual({ ...who, ...what, step: 1, arguments: digest(given), decision: "allowed", ledger });
  call(world, claimed, 2, "refund:create", refund(70_000));
  const refused = { decision: "refused", code: "LIMIT_CALL" };
  expect(told()).toEqual({ ...who, ...what, step: 2, arguments: digest(refund(70_000)), ...refused });
});

test("of a call that speaks for no attempt the log is told no more than what was asked", () => {
  const claimed = attempt();
  const stale = { ...claimed, lease: { ...claimed.lease, epoch: 9 } };
  expect(codeOf(call(world, stale, 1, "refund:create", given))).toBe("EPOCH_STALE");
  const asked = { epoch: 9, step: 1, capability: "refund:create", arguments: digest(given), cell: claimed.lease.cell };
  expect(told()).toEqual({ ...asked, verb: "intend", decision: "refused", code: "EPOCH_STALE" });
});

test("a permit comes without anything to replay", () => {
  const permit = expect.objectContaining({ step: 1 });
  const value = { permit, replay: null, stand_in: false };
  expect(call(world, attempt(), 1, "refund:create", given)).toEqual({ end: "done", value });
});

test.each<[string, Outcome, boolean, object]>([
  ["done is replayed", { end: "done", value: "dg" }, true, { permit: null, replay: "dg", stand_in: false }],
  [
    "that a person says happened is replayed by its stand-in",
    { end: "happened" },
    true,
    { permit: null, replay: null, stand_in: true },
  ],
])("a step that is %s", (_, outcome, kept, value) => {
  const claimed = attempt();
  ended(claimed, outcome, kept);
  expect(call(world, claimed, 1, "refund:create", given)).toEqual({ end: "done", value });
  expect(told()).toMatchObject({ decision: "replayed" });
  expect(told()).not.toHaveProperty("ledger");
});

test("a step whose outcome nobody knows is not made again", () => {
  const claimed = attempt();
  ended(claimed, { end: "unknown" }, true);
  expect(codeOf(call(world, claimed, 1, "refund:create", given))).toBe("UNKNOWN_OUTCOME");
});

test("a step that certainly did not happen is judged anew, by the limits of now", () => {
  const claimed = attempt();
  ended(claimed, { end: "void" }, false);
  expect(call(world, claimed, 1, "refund:create", given)).toMatchObject({ value: { permit: { step: 1 } } });
  expect(told().ledger).toHaveLength(3);
  expect(entryOf(claimed)?.outcome).toBeNull();
  const other = attempt();
  ended(other, { end: "void" }, false);
  world.roles.set("refund-agent", role("refund-agent", { grant: {} }));
  expect(codeOf(call(world, other, 1, "refund:create", given))).toBe("CAPABILITY_NOT_GRANTED");
});

test("the permit of a step that a person decided about says up to which epoch it did not happen, the next one too", () => {
  const claimed = attempt();
  ended(claimed, { end: "void" }, false);
  const { assignment } = claimed.lease;
  const entry = entryOf(claimed) ?? expect.fail("no entry");
  now(world, () => world.store.journal.put([assignment, 1], { ...entry, void_until: 1 }));
  for (const _ of ["anew", "again"])
    expect(call(world, claimed, 1, "refund:create", given)).toMatchObject({ value: { permit: { void_until: 1 } } });
  call(world, claimed, 2, "order:list");
  const plain = call(world, claimed, 2, "order:list");
  expect(plain.end === "done" && plain.value.permit).not.toHaveProperty("void_until");
});

test("the same arguments under another capability are another call", () => {
  const claimed = attempt();
  call(world, claimed, 1, "order:list");
  expect(codeOf(call(world, claimed, 1, "customer:read"))).toBe("REPLAY_DIVERGED");
  expect(world.store.assignments.get(claimed.lease.assignment)?.fault).toBe("REPLAY_DIVERGED");
});

test("a person's click that differs is refused, and their next one is not", () => {
  const task = submitTask(world);
  lease(world, task);
  const claimed = taken(task);
  expect(codeOf(call(world, claimed, 1, "refund:create", given))).toBe("done");
  expect(codeOf(call(world, claimed, 1, "refund:create", refund(200)))).toBe("REPLAY_DIVERGED");
  expect(codeOf(call(world, claimed, 2, "refund:create", refund(200)))).toBe("done");
});

test("an attempt makes the steps from its first one on, and no earlier one", () => {
  const task = submitTask(world);
  lease(world, task);
  call(world, taken(task), 1, "customer:read");
  end(world, task, { how: "exit" });
  const second = lease(world, task, { person: "maria", tool: "create_refund", arguments: {} });
  expect(second.lease.first_step).toBe(2);
  expect(codeOf(call(world, second, 1, "customer:read"))).toBe("STEP_INVALID");
  expect(codeOf(call(world, second, 2, "customer:read"))).toBe("done");
});

test("an assignment that is over does not act under the lease of the one after it", () => {
  const task = submitTask(world);
  const first = lease(world, task);
  const { cell, epoch } = taken(task).lease;
  const crossed = { ...first, lease: { ...first.lease, cell, epoch } };
  expect(codeOf(call(world, crossed, 1, "order:list"))).toBe("EPOCH_STALE");
});

test("an assignment nobody made, and a role that was withdrawn, may nothing", () => {
  const claimed = attempt();
  const nobody = { ...claimed, lease: { ...claimed.lease, assignment: "asgn_0000000000000000" } };
  expect(codeOf(call(world, nobody, 1, "order:list"))).toBe("EPOCH_STALE");
  world.roles.delete("refund-agent");
  expect(codeOf(call(world, claimed, 1, "order:list"))).toBe("CAPABILITY_NOT_GRANTED");
});

test("an assignment without room is told so, whatever it asks", () => {
  const claimed = attempt();
  now(world, () => world.store.journalBytes.put(claimed.lease.assignment, JOURNAL_BYTES_MAX));
  const message = "This assignment has recorded as much as one may. Complete or escalate it.";
  expect(call(world, claimed, 1, "order:list")).toMatchObject({ code: "RESULT_TOO_LARGE", message });
});

test("what works on no customer may be asked in a case without one", () => {
  const claimed = lease(world, submitTask(world, { kind: "hello", customer: null, subject: null }));
  world.roles.set("hello", role("hello", { grant: { "kv:get": [] } }));
  expect(codeOf(call(world, claimed, 1, "kv:get", { key: "seen" }))).toBe("done");
});

test("with the check of its arguments off, a call without a number to count is refused all the same", () => {
  const checks = new Map(world.core.checks).set("refund:create", (all) => done(all as JsonObject));
  const { cell, assignment, epoch } = attempt().lease;
  const asked = { cell, assignment, epoch, step: 1, capability: "refund:create", arguments: { ...given, amount: "1" } };
  expect(now(world, () => intend({ ...world.core, checks }, asked))).toMatchObject({ code: "ARGUMENT_INVALID" });
});
