import { afterEach, beforeEach, expect, test } from "vitest";
import { CASE_TABLE_BYTES_MAX, STEPS_MAX, UNSETTLED_MS } from "../../kernel/abi/bounds.ts";
import { refused } from "../../kernel/abi/ends.ts";
import type { Permit } from "../../kernel/abi/permit.ts";
import type { Claimed } from "../../kernel/claim.ts";
import { askNext, decided } from "../../kernel/decide.ts";
import { type Desk, openDesk } from "../../kernel/desk.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { positionOf } from "../../kernel/queue.ts";
import {
  call,
  codeOf,
  end,
  lease,
  logged,
  now,
  openWorld,
  refund,
  report,
  role,
  submitTask,
  type World,
} from "./world.ts";

let world: World;
let desk: Desk;
beforeEach(async () => {
  world = await openWorld();
  const dispatch = {
    wake: () => {},
    state: () => expect.fail("no cell"),
    resume: () => expect.fail("no cell"),
    click: () => expect.fail("no cell"),
    compare: () => expect.fail("no cell"),
  };
  desk = openDesk(world.core, dispatch, { settled: () => {} }, () => refused("ROLE_UNKNOWN"));
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const totals = () => world.store.ledger.all().map(({ value }) => value);
const take = (task: string) => desk.take(task, "maria", ["refund-manager"]);
/** When no permit can bring about anything any more. */
const decide = (task: string, step: number, decision: "happened" | "did-not", assignment: string | null = null) => {
  world.clock.now += UNSETTLED_MS;
  return desk.decide("maria", { task, step, decision, assignment });
};
const back = (task: string) => desk.handBack(task, "maria");
const permitOf = (given: ReturnType<typeof call>): Permit => {
  if (given.end !== "done" || given.value.permit === null) throw new Error(JSON.stringify(given));
  return given.value.permit;
};
const unknownOf = (task: string) => desk.task(task)?.unknown ?? [];

/** An agent's run whose second call ended unknown, and what it did then; the task is in maria's hands. */
async function unknownTask(then: (claimed: Claimed) => void = () => {}): Promise<string> {
  const task = submitTask(world);
  const claimed = lease(world, task);
  call(world, claimed, 1, "customer:read");
  report(world, claimed, 1, { value: "Zmlyc3Q" });
  call(world, claimed, 2, "refund:create", refund(100));
  report(world, claimed, 2, { end: "unknown", value: null });
  then(claimed);
  end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  expect(codeOf(await take(task))).toBe("done");
  return task;
}

test("a task shows what nobody can tell, until a person has decided it", async () => {
  const task = await unknownTask();
  expect(unknownOf(task)).toMatchObject([{ role: "refund-agent", step: 2, capability: "refund:create" }]);
  await decide(task, 2, "happened");
  expect(unknownOf(task)).toEqual([]);
  expect(desk.task(task)?.journal).toMatchObject([
    { step: 1, outcome: "done" },
    { step: 2, outcome: "happened" },
  ]);
});

test.each([
  ["happened", "happened", [100, 100, 100]],
  ["did-not", "void", [0, 0, 0]],
] as const)("what a person decides is in the ledger and in the log with who: %s", async (decision, outcome, left) => {
  const task = await unknownTask();
  expect(codeOf(await decide(task, 2, decision))).toBe("done");
  expect(totals()).toEqual(left);
  const entry = JSON.parse(world.store.audit.all().at(-1)?.value.entry ?? "");
  expect(entry).toMatchObject({ verb: "decide", who: "maria", task, step: 2, capability: "refund:create", outcome });
  expect((entry.ledger ?? []).map(({ amount }: { amount: number }) => amount)).toEqual(
    left[0] ? [] : [-100, -100, -100],
  );
});

test("only the person who holds the task decides, only what is unknown, and once", async () => {
  const task = await unknownTask();
  const before = world.store.audit.count();
  for (const person of ["mallory", "otto"])
    expect(codeOf(await desk.decide(person, { task, step: 2, decision: "did-not", assignment: null }))).toBe(
      "TASK_STATE",
    );
  for (const step of [1, 3, STEPS_MAX]) expect(codeOf(await decide(task, step, "did-not"))).toBe("TASK_STATE");
  expect(codeOf(await decide("task_0000000000000000", 2, "did-not"))).toBe("TASK_UNKNOWN");
  expect([world.store.audit.count(), totals()]).toEqual([before, [100, 100, 100]]);
  await decide(task, 2, "happened");
  expect(codeOf(await decide(task, 2, "did-not"))).toBe("TASK_STATE");
  expect(totals()).toEqual([100, 100, 100]);
});

test("nobody says that a call did not happen while its latest permit may still bring it about", async () => {
  const task = await unknownTask();
  const says = (decision: "happened" | "did-not") =>
    desk.decide("maria", { task, step: 2, decision, assignment: null });
  world.clock.now += UNSETTLED_MS - 1;
  expect(await says("did-not")).toMatchObject({ code: "TASK_STATE", message: expect.stringContaining("in 1 s") });
  expect(totals()).toEqual([100, 100, 100]);
  world.clock.now += 1;
  expect(codeOf(await says("did-not"))).toBe("done");
  expect(totals()).toEqual([0, 0, 0]);
  const other = await unknownTask();
  expect(codeOf(await desk.decide("maria", { task: other, step: 2, decision: "happened", assignment: null }))).toBe(
    "done",
  );
});

test("a call that was permitted again may happen for as long anew", async () => {
  const task = submitTask(world);
  call(world, lease(world, task), 1, "refund:create", refund(100));
  end(world, task);
  world.clock.now += UNSETTLED_MS;
  const question = now(world, () => askNext(world.core, task)) ?? expect.fail("nothing to ask");
  now(world, () => decided(world.core, task, question, "unknown"));
  now(world, () => askNext(world.core, task));
  await take(task);
  const says = () => desk.decide("maria", { task, step: 1, decision: "did-not", assignment: null });
  world.clock.now += UNSETTLED_MS - 1;
  expect(codeOf(await says())).toBe("TASK_STATE");
  world.clock.now += 1;
  expect(codeOf(await says())).toBe("done");
});

test("a person may end a task on what was decided", async () => {
  const task = await unknownTask();
  await decide(task, 2, "did-not");
  expect(codeOf(await desk.finish(task, "maria", "Sorry, [NAME_1].", {}))).toBe("done");
  expect([positionOf(world.store, task).state, totals()]).toEqual(["ended", [0, 0, 0]]);
});

test("a returned task runs anew from the start: what happened is replayed, what a person says happened too", async () => {
  const task = await unknownTask();
  await decide(task, 2, "happened");
  expect(await back(task)).toMatchObject({ end: "done", value: { state: "ready", role: "refund-agent", attempts: 0 } });
  expect(JSON.parse(world.store.audit.all().at(-1)?.value.entry ?? "")).toMatchObject({
    verb: "return",
    who: "maria",
    event: "HandedBack",
  });
  const again = lease(world, task);
  expect(again.document).toMatchObject({ first_step: 1, role: "refund-agent", history: [] });
  expect(call(world, again, 1, "customer:read")).toMatchObject({ value: { permit: null, replay: "Zmlyc3Q" } });
  expect(call(world, again, 2, "refund:create", refund(100))).toEqual({
    end: "done",
    value: { permit: null, replay: null, stand_in: true },
  });
  expect(totals()).toEqual([100, 100, 100]);
  end(world, task);
  expect(logged(world, task).slice(-5)).toEqual(["return", "claim", "intend", "intend", "settle"]);
  expect(positionOf(world.store, task)).toMatchObject({ state: "ended", record: { event: "Completed" } });
});

test("what a person says did not happen is judged anew, and its permit tells the proxy up to where", async () => {
  const task = await unknownTask();
  await decide(task, 2, "did-not");
  await back(task);
  const again = lease(world, task);
  expect(permitOf(call(world, again, 2, "refund:create", refund(100)))).toMatchObject({ epoch: 2, void_until: 1 });
  expect(totals()).toEqual([100, 100, 100]);
  end(world, task, { how: "lost" });
  world.clock.now += 60_000;
  const third = lease(world, task);
  expect(permitOf(call(world, third, 2, "refund:create", refund(100)))).toMatchObject({ epoch: 3, void_until: 1 });
  end(world, task);
  const question = now(world, () => askNext(world.core, task)) ?? expect.fail("nothing to ask");
  expect(question.body.permit).toMatchObject({ epoch: 4, void_until: 1 });
  now(world, () => decided(world.core, task, question, "unknown"));
  now(world, () => askNext(world.core, task));
  await take(task);
  await decide(task, 2, "did-not");
  await back(task);
  expect(permitOf(call(world, lease(world, task), 2, "refund:create", refund(100)))).toMatchObject({ void_until: 4 });
});

test("what did not happen is made again only within the limits of now", async () => {
  const task = await unknownTask();
  await decide(task, 2, "did-not");
  await back(task);
  world.roles.set("refund-agent", role("refund-agent", { grant: {} }));
  expect(codeOf(call(world, lease(world, task), 2, "refund:create", refund(100)))).toBe("CAPABILITY_NOT_GRANTED");
  expect(totals()).toEqual([0, 0, 0]);
});

test("what was read or refused after the decided step is made anew, effects after it stay", async () => {
  const task = await unknownTask((claimed) => {
    call(world, claimed, 3, "order:list");
    report(world, claimed, 3);
    call(world, claimed, 4, "refund:create", refund(60_000));
    call(world, claimed, 5, "refund:create", refund(200));
    report(world, claimed, 5, { value: "Zml2ZQ" });
  });
  await decide(task, 2, "happened");
  await back(task);
  const again = lease(world, task);
  expect(codeOf(call(world, again, 1, "order:list"))).toBe("REPLAY_DIVERGED");
  end(world, task);
  await take(task);
  await back(task);
  const third = lease(world, task);
  expect(permitOf(call(world, third, 3, "customer:read")).step).toBe(3);
  expect(permitOf(call(world, third, 4, "refund:create", refund(300))).step).toBe(4);
  expect(call(world, third, 5, "refund:create", refund(200))).toMatchObject({ value: { replay: "Zml2ZQ" } });
  expect(totals()).toEqual([600, 600, 600]);
});

test("an effect whose result had no room stays counted when the task is handed back", async () => {
  const task = await unknownTask((claimed) => {
    call(world, claimed, 5, "refund:create", refund(200));
    expect(codeOf(report(world, claimed, 5, { table: "x".repeat(CASE_TABLE_BYTES_MAX) }))).toBe("CASE_TABLE_FULL");
  });
  await decide(task, 2, "happened");
  await back(task);
  expect(totals()).toEqual([300, 300, 300]);
});

test("a task is not returned while something is undecided, to nobody, to a role that is offline, or by somebody else", async () => {
  const task = await unknownTask();
  expect(await back(task)).toMatchObject({ code: "TASK_STATE", message: expect.stringContaining("step 2") });
  await decide(task, 2, "happened");
  expect(codeOf(await desk.handBack(task, "mallory"))).toBe("TASK_STATE");
  world.roles.set("refund-agent", role("refund-agent", { online: false }));
  expect(await back(task)).toMatchObject({ message: expect.stringContaining("offline") });
  const direct = submitTask(world);
  expect(await take(direct)).toMatchObject({ value: { role: "refund-manager", person: "maria" } });
  expect(await back(direct)).toMatchObject({ message: expect.stringContaining("No agent") });
});

test("what a person did before returning a task stays in sight, and a step of both is told apart by its assignment", async () => {
  const task = await unknownTask();
  const click = lease(world, task, { person: "maria", tool: "refund", arguments: {} });
  call(world, click, 1, "customer:read");
  call(world, click, 2, "refund:create", refund(7));
  report(world, click, 2, { end: "unknown", value: null });
  end(world, task);
  expect(await decide(task, 2, "did-not")).toMatchObject({ message: expect.stringContaining("assignment") });
  await decide(task, 2, "did-not", click.lease.assignment);
  expect(totals().filter((total) => total > 0)).toEqual([100, 100, 100]);
  expect(unknownOf(task)).toMatchObject([{ role: "refund-agent", step: 2 }]);
  await decide(task, 2, "happened");
  await back(task);
  const roles = desk.task(task)?.journal.map(({ role, step }) => `${role} ${step}`);
  expect(roles).toEqual(["refund-agent 1", "refund-agent 2", "refund-manager 1", "refund-manager 2"]);
});
