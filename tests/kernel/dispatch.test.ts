import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { done, later, refused } from "../../kernel/abi/ends.ts";
import { proveEnd } from "../../kernel/abi/proof.ts";
import { openDesk } from "../../kernel/desk.ts";
import { FINDINGS_MAX } from "../../kernel/excess.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { intend } from "../../kernel/intend.ts";
import { positionOf } from "../../kernel/queue.ts";
import { openRig, type Rig } from "./rig.ts";
import { codeOf, logged, now, permitKey, refund, role, submitTask } from "./world.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  expect(storeFaults(rig.world.store)).toEqual([]);
  await rig.close();
});

const complete = { how: "complete" as const, text: "Dear [NAME_1]", fields: { paid: 1 } };

function submitted(over = {}): string {
  const task = submitTask(rig.world, over);
  rig.dispatch.wake();
  return task;
}

/** The latest cell that got this task, once there is one that is the `nth`. */
async function boundTo(task: string, nth = 1) {
  const of = () => rig.bound.filter(({ document }) => document.task === task);
  await rig.until(() => of().length >= nth, `${task} is bound ${nth} times`);
  return of()[nth - 1] ?? expect.fail("not bound");
}

const say = (
  { cell, assignment, epoch }: Awaited<ReturnType<typeof boundTo>>,
  ending: Parameters<Rig["dispatch"]["end"]>[0]["ending"] = complete,
) => rig.dispatch.end({ cell, assignment, epoch, ending });

const ask = ({ cell, assignment, epoch }: Awaited<ReturnType<typeof boundTo>>, step: number, amount: number) =>
  rig.world.core.commit(() =>
    intend(rig.world.core, { cell, assignment, epoch, step, capability: "refund:create", arguments: refund(amount) }),
  );

test("a task goes through start, expect, bind, end, kill in that order, and its answer out", async () => {
  const task = submitted();
  expect(codeOf(await say(await boundTo(task)))).toBe("done");
  await rig.until(() => rig.asked.includes("vault deliver"), "delivered");
  await rig.until(() => rig.dispatch.state().slots.used === 0, "the slot is free");
  const order = ["door expect", "vault bind", "door bind", "door end", "jailer kill"].map((name) =>
    rig.asked.indexOf(name),
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(rig.asked.filter((name) => name === "jailer start")).toHaveLength(1);
  expect(logged(rig.world, task)).toEqual(["submit", "claim", "settle", "receipt"]);
});

test("a used cell is never given another task", async () => {
  const tasks = [submitted(), submitted(), submitted(), submitted()];
  for (const task of tasks) await say(await boundTo(task));
  await rig.until(() => tasks.every((task) => rig.stateOf(task) === "ended"), "all ended");
  expect(new Set(rig.bound.map(({ cell }) => cell)).size).toBe(4);
});

test("there are never more cells than slots, and a slot is free only when nothing of its cell is left", async () => {
  const tasks = [submitted(), submitted(), submitted()];
  await boundTo(tasks[0] ?? "");
  const second = await boundTo(tasks[1] ?? "");
  expect([...rig.running.values()].sort()).toEqual([0, 1]);
  await say(second);
  const third = await boundTo(tasks[2] ?? "");
  expect([third.slot, rig.running.size]).toEqual([second.slot, 2]);
});

test("a slot whose cell the jailer has not seen gone is not used, even when it says that it was killed", async () => {
  rig.jailer.kill = () => done({});
  const tasks = [submitted(), submitted(), submitted()];
  await boundTo(tasks[1] ?? "");
  const first = await boundTo(tasks[0] ?? "");
  await say(first);
  await rig.until(() => rig.asked.includes("jailer kill"), "killed");
  await setTimeout(50);
  expect(rig.bound.some(({ document }) => document.task === tasks[2])).toBe(false);
  rig.exit(first.cell);
  expect((await boundTo(tasks[2] ?? "")).slot).toBe(first.slot);
  for (const cell of rig.running.keys()) rig.exit(cell);
});

test("a cell that ends without word is followed by another under a higher epoch, until the attempts are used up", async () => {
  const task = submitted();
  for (const epoch of [1, 2, 3]) {
    const bound = await boundTo(task, epoch);
    expect(bound.epoch).toBe(epoch);
    rig.exit(bound.cell, { code: 1 });
  }
  await rig.until(() => rig.stateOf(task) === "waiting", "a person has it");
  expect(logged(rig.world, task).at(-1)).toBe("settle ATTEMPTS_USED_UP");
});

test("a cell that dies before it waits at the door is an attempt", async () => {
  rig.door.expect = () => new Promise(() => {});
  const task = submitted({ kind: "hello" });
  for (let cells = 0; cells < 3; cells++) {
    await rig.until(() => rig.running.size === 1, "a cell starts");
    rig.exit([...rig.running.keys()][0] ?? "", { reason: "failed" });
  }
  await rig.until(() => rig.stateOf(task) === "ended", "given up");
  expect(rig.world.store.ended.get(task)).toMatchObject({ event: "Failed", reason: "ATTEMPTS_USED_UP" });
});

test("a call of a cell whose end was told is EPOCH_STALE", async () => {
  const bound = await boundTo(submitted());
  await say(bound);
  expect(codeOf(await ask(bound, 1, 100))).toBe("EPOCH_STALE");
  expect(codeOf(await say(bound))).toBe("EPOCH_STALE");
});

test("with the door all its cells are lost, no attempt is counted, and the tasks run again", async () => {
  const task = submitted();
  const first = await boundTo(task);
  await rig.lose("door");
  await rig.until(() => rig.stateOf(task) === "ready", "ready again");
  await rig.until(() => !rig.running.has(first.cell), "destroyed");
  await rig.find("door");
  const second = await boundTo(task, 2);
  expect(second.epoch).toBe(2);
  expect(rig.world.store.assignments.get(second.assignment)?.failures).toBe(0);
});

test("with the jailer's connection every cell is lost, and no attempt is counted", async () => {
  const task = submitted();
  await boundTo(task);
  await rig.lose("jailer");
  await rig.until(() => rig.stateOf(task) === "ready", "ready again");
  await rig.find("jailer");
  expect((await boundTo(task, 2)).epoch).toBe(2);
});

test("a vault that comes back learns of every live cell, and the cells go on", async () => {
  const bound = await boundTo(submitted());
  await rig.lose("vault");
  expect(codeOf(await ask(bound, 1, 100))).toBe("done");
  const before = rig.asked.filter((name) => name === "vault bind").length;
  await rig.find("vault");
  await rig.until(() => rig.asked.filter((name) => name === "vault bind").length > before, "bound again");
  expect(rig.stateOf(bound.document.task)).toBe("leased");
});

test("a cell that outlives its deadline is destroyed, and the map decides", async () => {
  rig.world.roles.set("hello", role("hello", { deadline_ms: 50 }));
  const task = submitted({ kind: "hello" });
  const bound = await boundTo(task);
  await rig.until(() => rig.stateOf(task) === "ended", "timed out");
  await rig.until(() => !rig.running.has(bound.cell), "destroyed");
  expect(rig.world.store.ended.get(task)?.reason).toBe("DEADLINE");
});

test("leases that are renewed live on; one that is not is dead, with its cell", async () => {
  const task = submitted();
  const bound = await boundTo(task);
  const lease = rig.world.store.leases.get(task) ?? expect.fail("no lease");
  await rig.dispatch.tend();
  expect(rig.world.store.leases.get(task)?.expires).toBeGreaterThanOrEqual(lease.expires);
  now(rig.world, () => rig.world.store.leases.put(task, { ...lease, expires: Date.now() - 1 }));
  await rig.dispatch.tend();
  expect(rig.stateOf(task)).toBe("ready");
  await rig.until(() => !rig.running.has(bound.cell), "destroyed");
});

test("an open effect is asked about until it is decided, and only then a person sees the task", async () => {
  const task = submitted();
  const bound = await boundTo(task);
  await ask(bound, 1, 100);
  await say(bound, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  await rig.until(() => rig.asked.includes("vault settle"), "asked");
  expect(positionOf(rig.world.store, task)).toMatchObject({ state: "waiting", record: { for: "decision" } });
  rig.vault.settle = ({ permit }) =>
    done({ decided: "void", value: null, table: null, proof: proveEnd(permit, "void", permitKey("database")) });
  rig.background.settled(task);
  await rig.until(() => rig.world.store.waiting.get(task)?.for === "human", "decided");
  expect(rig.world.store.ledger.all().every(({ value }) => value === 0)).toBe(true);
});

test("an effect the proxy cannot decide is in front of a person as UNKNOWN_OUTCOME", async () => {
  rig.vault.settle = () => refused("UNKNOWN_OUTCOME");
  const task = submitted();
  const bound = await boundTo(task);
  await ask(bound, 1, 100);
  await say(bound);
  await rig.until(() => rig.world.store.waiting.get(task)?.for === "human", "decided");
  expect(logged(rig.world, task).at(-1)).toBe("settle UNKNOWN_OUTCOME");
});

test("an answer is delivered until there is a receipt", async () => {
  rig.vault.deliver = () => later("the frontend is away");
  const task = submitted();
  await say(await boundTo(task));
  await rig.until(() => rig.asked.includes("vault deliver"), "tried");
  expect(rig.world.store.outbox.has(task)).toBe(true);
  rig.vault.deliver = () => done({});
  await rig.until(() => !rig.world.store.outbox.has(task), "delivered");
});

test("a click runs one tool in a cell of its own and hands the task back to the same person", async () => {
  const task = submitted();
  await say(await boundTo(task), { how: "escalate", reason: "r", recommendation: "", facts: {} });
  take(task, "maria");
  const click = { person: "maria", tool: "create_refund", arguments: { order: "O1" } };
  const answer = rig.dispatch.click(task, click);
  const bound = await boundTo(task, 2);
  expect(bound.document).toMatchObject({ click: { tool: "create_refund" }, role: "refund-manager", first_step: 1 });
  await say(bound, { how: "complete", text: "refunded", fields: { refund: 7 } });
  expect(await answer).toEqual({ end: "done", value: { text: "refunded", fields: { refund: 7 } } });
  expect(rig.world.store.waiting.get(task)).toMatchObject({ for: "human", person: "maria" });
});

test("an ended task is compared in a cell of mode replay, and stays as it was", async () => {
  const task = submitted();
  await say(await boundTo(task));
  await rig.until(() => !rig.world.store.outbox.has(task), "delivered");
  const before = JSON.stringify(rig.world.store.ended.get(task));
  let mode = "";
  rig.vault.bind = (body) => {
    mode = body.mode;
    return done({});
  };
  const desk = openDesk(rig.world.core, rig.dispatch, rig.background, () => refused("ROLE_UNKNOWN"));
  const same = desk.replay(task, "admin");
  const bound = await boundTo(task, 2);
  expect([mode, bound.document.mode, JSON.parse(atob(bound.task_key.split(".")[1] ?? "")).mode]).toEqual(
    Array(3).fill("replay"),
  );
  expect(codeOf(await say({ ...bound, epoch: 9 }))).toBe("EPOCH_STALE");
  expect(codeOf(await say(bound))).toBe("done");
  expect(await same).toMatchObject({ end: "done", value: { same: true, calls: 0 } });
  const other = desk.replay(task, "admin");
  const { cell, assignment, epoch } = await boundTo(task, 3);
  const call = { cell, assignment, epoch, step: 1, capability: "refund:create", arguments: refund(1) };
  expect(codeOf(await rig.dispatch.intend(call))).toBe("REPLAY_DIVERGED");
  expect(await other).toMatchObject({ value: { same: false, difference: { step: 1, recorded: null } } });
  await rig.until(() => !rig.running.has(cell), "destroyed");
  expect([JSON.stringify(rig.world.store.ended.get(task)), rig.world.store.ledger.count()]).toEqual([before, 0]);
});

/** A task that people have, with the agent in shadow beside. */
function withShadow(): string {
  const map = [{ on: "TaskCreated" as const, shadow_one_in: 1, to: "refund-manager" }, ...rig.world.core.map];
  rig.world.core.map = map;
  return submitted();
}

test("a person has the task, and the agent runs it beside in shadow: what it does and how it ends is kept, and ends nothing", async () => {
  const task = withShadow();
  const bound = await boundTo(task);
  expect([rig.stateOf(task), bound.document.mode, bound.document.role]).toEqual(["waiting", "shadow", "refund-agent"]);
  const { cell, assignment, epoch } = bound;
  const call = { cell, assignment, epoch, step: 1, capability: "refund:create", arguments: refund(1) };
  expect(await rig.dispatch.intend(call)).toMatchObject({ value: { permit: null, stand_in: true } });
  const escalate = { how: "escalate" as const, reason: "r", recommendation: "", facts: {} };
  expect(codeOf(await say(bound, escalate))).toBe("done");
  await rig.until(() => rig.world.store.shadows.get(task)?.state === "ran", "it has run");
  expect(rig.world.store.shadows.get(task)?.run).toMatchObject({ ending: escalate, calls: [{ outcome: "recorded" }] });
  expect(codeOf(await say(bound, complete))).toBe("EPOCH_STALE");
  expect(codeOf(await rig.dispatch.intend(call))).toBe("EPOCH_STALE");
  expect([rig.stateOf(task), rig.world.store.ledger.count()]).toEqual(["waiting", 0]);
  await rig.until(() => !rig.running.has(cell), "destroyed");
});

test("a person works the task while the shadow runs, and live work gets the shadow's slot when there is no other", async () => {
  rig.world.core.settings = { ...rig.world.core.settings, slots: 1 };
  const task = withShadow();
  const shadow = await boundTo(task);
  take(task, "maria");
  const clicked = rig.dispatch.click(task, { person: "maria", tool: "create_refund", arguments: {} });
  const live = await boundTo(task, 2);
  expect([live.document.mode, rig.running.has(shadow.cell)]).toEqual(["live", false]);
  await say(live);
  expect(await clicked).toMatchObject({ end: "done" });
  const again = await boundTo(task, 3);
  expect([again.document.mode, again.assignment === shadow.assignment]).toEqual(["shadow", false]);
  expect(rig.world.store.shadows.get(task)).toMatchObject({ state: "due", failures: 1 });
});

test("a shadow whose cell is gone without word is kept so, and one the vault cannot open is made again", async () => {
  const task = withShadow();
  rig.exit((await boundTo(task)).cell, { code: 1 });
  await rig.until(() => rig.world.store.shadows.get(task)?.state === "ran", "it has run");
  expect(rig.world.store.shadows.get(task)?.run?.ending).toEqual({ how: "exit" });
  rig.vault.bind = () => refused("CASE_UNKNOWN");
  const other = submitted();
  await rig.until(() => rig.world.store.shadows.get(other)?.state === "given up", "given up");
  expect([rig.stateOf(task), rig.stateOf(other)]).toEqual(["waiting", "waiting"]);
});

test("a folder is tried beside a task that runs, which goes on", async () => {
  const task = submitted();
  const live = await boundTo(task);
  const desk = openDesk(rig.world.core, rig.dispatch, rig.background, () => done("c".repeat(64)));
  const tried = desk.try({ task, role: null, who: "admin" });
  const bound = await boundTo(task, 2);
  expect([bound.document.mode, JSON.parse(atob(bound.task_key.split(".")[1] ?? "")).bundle]).toEqual([
    "try",
    "c".repeat(64),
  ]);
  expect(codeOf(await say(bound))).toBe("done");
  expect(await tried).toMatchObject({ end: "done", value: { ending: { how: "complete" }, compared: true } });
  expect(rig.stateOf(task)).toBe("leased");
  await say(live);
  rig.vault.bind = () => refused("CASE_UNKNOWN");
  expect(codeOf(await desk.try({ task, role: null, who: "admin" }))).toBe("CASE_UNKNOWN");
});

test("a click whose tool gives up is answered with the refusal its call met", async () => {
  const task = submitted();
  await say(await boundTo(task), { how: "escalate", reason: "r", recommendation: "", facts: {} });
  take(task, "maria");
  const answer = rig.dispatch.click(task, { person: "maria", tool: "create_refund", arguments: {} });
  const bound = await boundTo(task, 2);
  await ask(bound, 1, 500_001);
  rig.exit(bound.cell, { code: 2 });
  expect(codeOf(await answer)).toBe("LIMIT_CALL");
  expect(rig.world.store.waiting.get(task)).toMatchObject({ person: "maria" });
});

test("nobody clicks a task that somebody else holds, or that does not wait", async () => {
  const task = submitted();
  const click = { person: "mallory", tool: "t", arguments: {} };
  const bound = await boundTo(task);
  expect(codeOf(await rig.dispatch.click(task, click))).toBe("TASK_STATE");
  await say(bound, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  take(task, "maria");
  expect(codeOf(await rig.dispatch.click(task, click))).toBe("TASK_STATE");
  expect(codeOf(await rig.dispatch.click("task_0000000000000000", click))).toBe("TASK_UNKNOWN");
});

test("a cell that fills the log with refusals is destroyed at the thousandth", async () => {
  const { cell } = await boundTo(submitted());
  for (let n = 1; n < FINDINGS_MAX; n++) rig.dispatch.countFinding(cell);
  expect(rig.running.has(cell)).toBe(true);
  rig.dispatch.countFinding(cell);
  await rig.until(() => !rig.running.has(cell), "destroyed");
});

test("a task of a role that is offline is not started before the role is back", async () => {
  setOnline(false);
  const task = submitTask(rig.world, { kind: "hello" });
  rig.dispatch.wake();
  expect(rig.running.size).toBe(0);
  setOnline(true);
  rig.dispatch.wake();
  await boundTo(task);
});

test("a stop leaves no cell and no lease", async () => {
  const task = submitted();
  await boundTo(task);
  await rig.dispatch.stop();
  expect([rig.running.size, rig.stateOf(task)]).toEqual([0, "ready"]);
});

function take(task: string, person: string): void {
  now(rig.world, () => {
    const waiting = rig.world.store.waiting.get(task);
    if (waiting?.for === "human") rig.world.store.waiting.put(task, { ...waiting, person });
  });
}

function setOnline(online: boolean): void {
  rig.world.roles.set("hello", role("hello", { online }));
  now(rig.world, () => {
    const record = rig.world.store.roles.get("hello") ?? expect.fail("no role");
    rig.world.store.roles.put("hello", { ...record, online });
  });
}
