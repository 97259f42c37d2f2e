import { afterEach, beforeEach, expect, test } from "vitest";
import { askNext, decided, type Question } from "../../kernel/decide.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { handOver } from "../../kernel/offline.ts";
import { positionOf } from "../../kernel/queue.ts";
import { recover } from "../../kernel/recovery.ts";
import { failStart } from "../../kernel/settle.ts";
import {
  call,
  codeOf,
  end,
  LIFE,
  lease,
  logged,
  now,
  openWorld,
  proofOf,
  refund,
  report,
  role,
  settled,
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

const stateOf = (task: string) => positionOf(world.store, task).state;
const roleOf = (task: string) => world.store.assignments.get(world.store.tasks.get(task)?.assignment ?? "")?.role;
const attempts = (task: string) => world.store.assignments.get(world.store.tasks.get(task)?.assignment ?? "")?.failures;
const totals = () => world.store.ledger.all().map(({ value }) => value);
const wait = () => {
  world.clock.now += 60_000;
};
const ask = (task: string): Question => {
  const question = now(world, () => askNext(world.core, task));
  if (question === null) throw new Error("There is nothing to ask.");
  return question;
};

test("a completed task has ended, with its answer in the outbox and a line in the log", () => {
  const task = submitTask(world);
  lease(world, task);
  end(world, task);
  expect([stateOf(task), world.store.outbox.has(task)]).toEqual(["ended", true]);
  expect(world.store.ended.get(task)).toMatchObject({ event: "Completed", text: "Dear [NAME_1]" });
  expect(logged(world, task)).toEqual(["submit", "claim", "settle"]);
});

test("an escalated task waits for the role the map names, with reason, recommendation and facts", () => {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "over the limit", recommendation: "pay", facts: { left: 5 } });
  expect([stateOf(task), roleOf(task)]).toEqual(["waiting", "refund-manager"]);
  const assignment = world.store.assignments.get(world.store.tasks.get(task)?.assignment ?? "");
  expect(assignment?.handover).toEqual({
    role: "refund-agent",
    reason: "over the limit",
    recommendation: "pay",
    facts: { left: 5 },
  });
});

test("an agent's words on escalating do not enter the log", () => {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "UNSPEAKABLE", recommendation: "John Smith", facts: {} });
  const text = world.store.audit
    .all()
    .map(({ value }) => value.entry)
    .join();
  expect(text).toContain("Escalated");
  expect(text).not.toMatch(/UNSPEAKABLE|Smith/);
});

test("a role escalates only to whom its grant names", () => {
  world.roles.set("refund-agent", role("refund-agent", { escalates_to: [] }));
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  expect(logged(world, task).at(-1)).toBe("settle ESCALATION_NOT_GRANTED");
});

test("an attempt that ends without word is made again with a growing pause, and a person gets what was tried five times", () => {
  const task = submitTask(world);
  const pauses: number[] = [];
  for (let attempt = 1; attempt < world.core.settings.attempts.max; attempt++) {
    const claimed = lease(world, task);
    expect(claimed.lease.epoch).toBe(attempt);
    end(world, task, { how: "exit" });
    const position = positionOf(world.store, task);
    expect(position.state).toBe("ready");
    if (position.state === "ready") pauses.push(position.record.due - world.clock.now);
    wait();
  }
  expect(pauses).toEqual([500, 1000, 2000, 4000]);
  lease(world, task);
  end(world, task, { how: "exit" });
  expect([stateOf(task), roleOf(task)]).toEqual(["waiting", "refund-manager"]);
  expect(logged(world, task).at(-1)).toBe("settle ATTEMPTS_USED_UP");
});

test("a ready task is not claimed before it is due", () => {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "exit" });
  expect(() => lease(world, task)).toThrow("cannot be claimed");
});

test("what we lost ourselves is no attempt of the agent's", () => {
  const task = submitTask(world);
  for (let round = 0; round < 10; round++) {
    lease(world, task);
    end(world, task, { how: "lost" });
    wait();
  }
  expect([stateOf(task), attempts(task)]).toEqual(["ready", 0]);
});

test("a cell that never comes up counts as an attempt", () => {
  const task = submitTask(world);
  for (let round = 0; round < 5; round++) now(world, () => failStart(world.core, task));
  expect([stateOf(task), roleOf(task)]).toEqual(["waiting", "refund-manager"]);
});

test("what is ready for a role that goes offline goes to whom the map names, after its open effects were decided, or waits", () => {
  const [fresh, tried, greeting] = [submitTask(world), submitTask(world), submitTask(world, { kind: "hello" })];
  call(world, lease(world, tried), 1, "refund:create", refund(100));
  end(world, tried, { how: "lost" });
  expect(now(world, () => handOver(world.core))).toEqual([]);
  for (const name of ["refund-agent", "hello"]) offline(name);
  world.roles.set("refund-manager", role("refund-manager", { human: true, online: false }));
  expect(now(world, () => handOver(world.core))).toEqual([]);
  world.roles.set("refund-manager", role("refund-manager", { human: true }));
  expect(now(world, () => handOver(world.core)).sort()).toEqual([fresh, tried].sort());
  expect([fresh, tried, greeting].map(stateOf)).toEqual(["waiting", "waiting", "ready"]);
  expect([roleOf(fresh), roleOf(tried)]).toEqual(["refund-manager", "refund-agent"]);
  const question = ask(tried);
  now(world, () => decided(world.core, tried, question, settled(world, tried, question.step, "void")));
  now(world, () => askNext(world.core, tried));
  expect(roleOf(tried)).toBe("refund-manager");
});

test("a deadline is not made again: the map decides", () => {
  const task = submitTask(world, { kind: "hello" });
  lease(world, task);
  end(world, task, { how: "timeout" });
  expect(world.store.ended.get(task)).toMatchObject({ event: "Failed", reason: "DEADLINE" });
});

test.each([
  ["void", [0, 0, 0]],
  ["happened", [100, 100, 100]],
] as const)("an open effect is decided before a person can take the task: %s", (answer, left) => {
  const task = submitTask(world);
  call(world, lease(world, task), 1, "refund:create", refund(100));
  end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  expect(positionOf(world.store, task)).toMatchObject({ state: "waiting", record: { for: "decision" } });
  const question = ask(task);
  expect(question.body.permit).toMatchObject({ step: 1, epoch: 2, capability: "refund:create" });
  expect(question.body.arguments).toEqual(refund(100));
  now(world, () => decided(world.core, task, question, settled(world, task, question.step, answer)));
  expect(now(world, () => askNext(world.core, task))).toBe(null);
  expect(positionOf(world.store, task)).toMatchObject({ state: "waiting", record: { for: "human" } });
  expect(totals()).toEqual(left);
});

test("what its proxy has not proved is no end: nothing is given back, and what was left goes to a person", () => {
  const task = submitTask(world);
  const claimed = lease(world, task);
  call(world, claimed, 1, "refund:create", refund(100));
  const [happened, never] = [proofOf(world, task, 1, "happened"), proofOf(world, task, 1, "void")];
  for (const proof of [null, happened])
    expect(report(world, claimed, 1, { end: "refused", value: null, proof })).toMatchObject({ code: "END_UNPROVEN" });
  for (const proof of [null, never])
    expect(report(world, claimed, 1, { proof })).toMatchObject({ code: "END_UNPROVEN" });
  expect(logged(world, task).at(-1)).toBe("outcome END_UNPROVEN");
  end(world, task);
  const question = ask(task);
  now(world, () => decided(world.core, task, question, { decided: "void", value: null, table: null, proof: never }));
  now(world, () => askNext(world.core, task));
  expect([stateOf(task), roleOf(task)]).toEqual(["waiting", "refund-manager"]);
  expect(logged(world, task)).toContain("outcome END_UNPROVEN");
  expect(totals()).toEqual([100, 100, 100]);
});

test("an effect that nobody can decide goes to a person as UNKNOWN_OUTCOME, even of a task that was completed", () => {
  const task = submitTask(world);
  call(world, lease(world, task), 1, "refund:create", refund(100));
  end(world, task);
  const question = ask(task);
  now(world, () => decided(world.core, task, question, "unknown"));
  now(world, () => askNext(world.core, task));
  expect([stateOf(task), roleOf(task)]).toEqual(["waiting", "refund-manager"]);
  expect(logged(world, task).at(-1)).toBe("settle UNKNOWN_OUTCOME");
  expect(totals()).toEqual([100, 100, 100]);
});

test("an answer to a question that was asked again changes nothing", () => {
  const task = submitTask(world);
  call(world, lease(world, task), 1, "refund:create", refund(100));
  end(world, task);
  const [old, current] = [ask(task), ask(task)];
  now(world, () => decided(world.core, task, old, settled(world, task, old.step, "void")));
  expect(totals()).toEqual([100, 100, 100]);
  expect(current.epoch).toBeGreaterThan(old.epoch);
});

test("a read without outcome leaves nothing to decide", () => {
  const task = submitTask(world);
  call(world, lease(world, task), 1, "order:list");
  end(world, task);
  expect(stateOf(task)).toBe("ended");
});

test("an unknown outcome ends in front of a person however the cell ends", () => {
  const task = submitTask(world);
  const claimed = lease(world, task);
  call(world, claimed, 1, "refund:create", refund(100));
  report(world, claimed, 1, { end: "unknown", value: null });
  expect(codeOf(call(world, claimed, 1, "refund:create", refund(100)))).toBe("UNKNOWN_OUTCOME");
  end(world, task, { how: "exit" });
  expect([stateOf(task), roleOf(task), logged(world, task).at(-1)]).toEqual([
    "waiting",
    "refund-manager",
    "settle UNKNOWN_OUTCOME",
  ]);
});

test("a diverged run goes to a person, and one without a person to the dead letters", () => {
  for (const [kind, state] of [
    ["refund", "waiting"],
    ["hello", "ended"],
  ] as const) {
    const task = submitTask(world, { kind });
    const claimed = lease(world, task);
    call(world, claimed, 1, "order:list");
    call(world, claimed, 1, "customer:read");
    end(world, task);
    expect([stateOf(task), logged(world, task).at(-1)]).toEqual([state, "settle REPLAY_DIVERGED"]);
  }
});

test("after a start every lease of an earlier life is dead, its task ready, its click handed back, nothing counted", () => {
  const task = submitTask(world);
  const clicked = submitTask(world);
  lease(world, clicked);
  end(world, clicked, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  takeBy(clicked, "maria");
  lease(world, clicked, { person: "maria", tool: "refund", arguments: {} });
  const claimed = lease(world, task);
  expect(now(world, () => recover({ ...world.core, incarnation: "another" }, LIFE))).toBe(2);
  expect([stateOf(task), attempts(task)]).toEqual(["ready", 0]);
  expect(positionOf(world.store, clicked)).toMatchObject({ state: "waiting", record: { person: "maria" } });
  expect(codeOf(call(world, claimed, 1, "order:list"))).toBe("EPOCH_STALE");
});

test("a person's clicks count on where the last one stopped, and replay nothing", () => {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  takeBy(task, "maria");
  const click = { person: "maria", tool: "refund", arguments: {} };
  const first = lease(world, task, click);
  expect(first.document).toMatchObject({ first_step: 1, role: "refund-manager", click: { tool: "refund" } });
  call(world, first, 1, "refund:create", refund(70_000));
  report(world, first, 1);
  end(world, task);
  const second = lease(world, task, click);
  expect(second.document.first_step).toBe(2);
  expect(codeOf(call(world, second, 1, "refund:create", refund(70_000)))).toBe("STEP_INVALID");
  end(world, task, { how: "exit" });
  expect(positionOf(world.store, task)).toMatchObject({ state: "waiting", record: { person: "maria" } });
  expect(() => lease(world, task, { ...click, person: "mallory" })).toThrow("cannot be claimed");
});

function offline(name: string): void {
  world.roles.set(name, role(name, { online: false }));
  now(world, () => {
    const record = world.store.roles.get(name) ?? expect.fail("no role");
    world.store.roles.put(name, { ...record, online: false });
  });
}

function takeBy(task: string, person: string): void {
  now(world, () => {
    const waiting = world.store.waiting.get(task);
    if (waiting?.for === "human") world.store.waiting.put(task, { ...waiting, person });
  });
}
