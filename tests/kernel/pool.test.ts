import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done, later } from "../../kernel/abi/ends.ts";
import { openAttempts } from "../../kernel/attempts.ts";
import { useOnce } from "../../kernel/cell.ts";
import { storeFaults } from "../../kernel/faults.ts";
import type { ActiveRole } from "../../kernel/roles.ts";
import { openRig, type Rig } from "./rig.ts";
import { now, role, submitTask, waitingCell } from "./world.ts";

let rig: Rig;
let offset: number;
beforeEach(async () => {
  rig = await openRig();
  offset = 0;
  rig.world.core.now = () => Date.now() + offset;
});
afterEach(async () => {
  expect(storeFaults(rig.world.store)).toEqual([]);
  await rig.close();
});

/** Lets `cells` wait, of agents alone, and settles when they do. */
async function warm(cells: number, roles: string[] = ["refund-agent"]): Promise<string[]> {
  for (const name of ["refund-agent", "hello"]) setRole(name, { online: roles.includes(name) });
  set({ cells_max: cells });
  rig.dispatch.wake();
  const expected = Math.min(cells, roles.length);
  await rig.until(() => waiting() === expected, `${expected} cells wait`);
  return [...rig.running.keys()];
}

const waiting = () => rig.dispatch.state().pool.waiting.reduce((sum, { cells }) => sum + cells, 0);
const counts = () => (({ taken, cold }) => ({ taken, cold }))(rig.dispatch.state().pool);

function set(pool: Partial<Rig["world"]["core"]["settings"]["pool"]>, slots = 4): void {
  const { settings } = rig.world.core;
  rig.world.core.settings = { ...settings, slots, pool: { ...settings.pool, ...pool } };
}

function setRole(name: string, over: Partial<ActiveRole>): void {
  const next = { ...(rig.world.roles.get(name) ?? role(name)), ...over };
  rig.world.roles.set(name, next);
  const { bundle, ...record } = next;
  now(rig.world, () => rig.world.store.roles.put(name, { ...record, approved: bundle, tools: name }));
}

function submitted(over = {}): string {
  const task = submitTask(rig.world, over);
  rig.dispatch.wake();
  return task;
}

async function boundTo(task: string) {
  const found = () => rig.bound.find(({ document }) => document.task === task);
  await rig.until(() => found() !== undefined, `${task} is bound`);
  return found() ?? expect.fail("not bound");
}

async function finish(task: string): Promise<string> {
  const { cell, assignment, epoch } = await boundTo(task);
  await rig.dispatch.end({ cell, assignment, epoch, ending: { how: "complete", text: "", fields: {} } });
  return cell;
}

const failures = (task: string) => {
  const { assignment } = rig.world.store.tasks.get(task) ?? expect.fail("no task");
  return rig.world.store.assignments.get(assignment)?.failures;
};

test("a cell that waits has met no key and no task, and gets the next task of its role at once", async () => {
  const [cell] = await warm(1);
  expect(rig.asked.filter((name) => name.endsWith(" bind"))).toEqual([]);
  expect(await finish(submitted())).toBe(cell);
  expect(counts()).toEqual({ taken: 1, cold: 0 });
});

test("with nothing that waits a cell is started for its task, and counted", async () => {
  await finish(submitted());
  expect(counts()).toEqual({ taken: 0, cold: 1 });
});

test("no cell serves twice: each that is taken is destroyed, and another waits", async () => {
  await warm(1);
  const used: string[] = [];
  for (let tasks = 0; tasks < 5; tasks++) {
    used.push(await finish(submitted()));
    await rig.until(() => waiting() === 1, "another waits");
  }
  expect(new Set(used).size).toBe(5);
  expect(counts()).toEqual({ taken: 5, cold: 0 });
  await rig.until(() => ![...rig.running.keys()].some((cell) => used.includes(cell)), "all that served are gone");
});

test("tasks that come at once get a cell each", async () => {
  set({}, 8);
  await warm(1);
  const tasks = [submitted(), submitted(), submitted()];
  expect(new Set((await Promise.all(tasks.map(boundTo))).map(({ cell }) => cell)).size).toBe(3);
  expect(counts()).toEqual({ taken: 1, cold: 2 });
});

test("a cell is given away once, whoever asks, and not after its end", () => {
  const [cell, over] = [waitingCell(), waitingCell()];
  over.end({ how: "lost" });
  expect([useOnce(cell), useOnce(cell), useOnce(over)]).toEqual([true, false, false]);
  expect(openAttempts().open(cell, { task: "", click: null, comparison: null }).held.isUsed).toBe(true);
});

describe("a cell that waits is destroyed and never bound", () => {
  test.each<[string, Partial<ActiveRole>]>([
    ["another bundle is approved", { bundle: "c".repeat(64) }],
    ["another isolation is approved", { isolation: "gvisor" }],
    ["other resources are approved", { resources: { ...role("x").resources, processes: 8 } }],
    ["another deadline is approved", { deadline_ms: 5_000 }],
  ])("when %s", async (_, over) => {
    const [old = ""] = await warm(1);
    setRole("refund-agent", over);
    const task = submitted(); // in the same turn in which it was approved
    expect(await finish(task)).not.toBe(old);
    await rig.until(() => !rig.running.has(old), "destroyed");
    expect(counts()).toEqual({ taken: 0, cold: 1 });
  });

  test("when its role goes offline", async () => {
    const [cell = ""] = await warm(1);
    setRole("refund-agent", { online: false });
    rig.dispatch.wake();
    await rig.until(() => !rig.running.has(cell), "destroyed");
    await setTimeout(50);
    expect(rig.running.size).toBe(0);
  });

  test("when it is older than its bound, also when nobody looked meanwhile", async () => {
    const [old = ""] = await warm(1);
    offset = rig.world.core.settings.pool.age_ms_max + 1_000;
    expect(await finish(submitted())).not.toBe(old);
    await rig.until(() => !rig.running.has(old), "destroyed");
    await rig.until(() => waiting() === 1, "replaced");
  });

  test.each(["countFinding", "countIntent"] as const)("when something is heard of it (%s)", async (count) => {
    const [spoke = ""] = await warm(1);
    rig.dispatch[count](spoke);
    const task = submitted(); // before it is gone
    expect(await finish(task)).not.toBe(spoke);
    await rig.until(() => !rig.running.has(spoke), "destroyed");
    expect(failures(task)).toBe(0);
  });

  test("when it says the end of a task it does not have", async () => {
    const [spoke = ""] = await warm(1);
    const said = { cell: spoke, assignment: "asgn_0000000000000000", epoch: 1 };
    const ending = { how: "complete" as const, text: "", fields: {} };
    expect(await rig.dispatch.end({ ...said, ending })).toMatchObject({ code: "EPOCH_STALE" });
    await rig.until(() => !rig.running.has(spoke), "destroyed");
  });

  test("when the machine is short of memory", async () => {
    const [cell = ""] = await warm(1);
    rig.machine.freeMib = rig.world.core.settings.pool.free_memory_mib_min - 1;
    rig.dispatch.wake();
    await rig.until(() => !rig.running.has(cell), "destroyed");
    expect(await finish(submitted())).not.toBe(cell);
  });

  test("when the node stops", async () => {
    await warm(1);
    await rig.dispatch.stop();
    expect(rig.running.size).toBe(0);
  });
});

test("a cell that is started for a task and speaks before it has it is destroyed, and no attempt is counted", async () => {
  rig.door.expect = () => new Promise(() => {});
  const task = submitted();
  await rig.until(() => rig.running.size === 1, "a cell starts");
  const [cell = ""] = rig.running.keys();
  rig.door.expect = () => ({ end: "done", value: {} });
  rig.dispatch.countFinding(cell);
  expect((await boundTo(task)).cell).not.toBe(cell);
  expect(failures(task)).toBe(0);
});

test.each(["door", "jailer"] as const)("with the %s what waits is lost, and replaced when it is back", async (peer) => {
  const [cell = ""] = await warm(1);
  await rig.lose(peer);
  rig.exit(cell, { reason: "killed" });
  await rig.until(() => waiting() === 0, "lost");
  await rig.find(peer);
  await rig.until(() => waiting() === 1, "replaced");
  const task = submitted();
  expect(await finish(task)).not.toBe(cell);
  expect(failures(task)).toBe(0);
});

test("a cell that dies while it waits is replaced; one that dies in the hands of its task costs it no attempt", async () => {
  const [first = ""] = await warm(1);
  rig.exit(first);
  await rig.until(() => rig.running.size === 1 && waiting() === 1, "replaced");
  rig.door.bind = ({ cell }) => (rig.running.has(cell) ? done({}) : later("That cell does not wait in that slot."));
  rig.exit([...rig.running.keys()][0] ?? "");
  const task = submitted();
  const isBound = () => rig.bound.some(({ cell, document }) => document.task === task && rig.running.has(cell));
  await rig.until(isBound, "another cell has it");
  expect(failures(task)).toBe(0);
});

test("work gets the slot of a cell that waits for another role, the oldest one's, and no more slots than it needs", async () => {
  set({}, 2);
  await warm(2, ["refund-agent", "hello"]);
  set({ cells_max: 2 }, 2);
  const [oldest = "", younger = ""] = [...rig.running.keys()];
  const kinds = rig.dispatch.state().pool.waiting.map(({ role }) => role);
  expect(kinds).toEqual(["hello", "refund-agent"]);
  const holder = await boundTo(submitted()); // takes the refund agent's
  const other = holder.cell === oldest ? younger : oldest;
  const second = await boundTo(submitted()); // needs the other's slot
  expect(rig.running.has(other)).toBe(false);
  expect(rig.running.size).toBe(2);
  expect(second.slot).not.toBe(holder.slot);
});

test("cells come up one at a time, and none while one comes up for a task", async () => {
  rig.door.expect = () => new Promise(() => {});
  set({ cells_max: 3 });
  rig.dispatch.wake();
  rig.dispatch.wake();
  await rig.until(() => rig.running.size === 1, "one comes up");
  await setTimeout(50);
  expect(rig.running.size).toBe(1);
});

test("a role whose cells do not come up is rested, and its tasks are tried as ever", async () => {
  rig.door.expect = () => new Promise(() => {});
  set({ cells_max: 1 });
  setRole("hello", { online: false });
  rig.dispatch.wake();
  await rig.until(() => rig.running.size === 1, "one comes up");
  rig.exit([...rig.running.keys()][0] ?? "", { reason: "failed", code: 1 });
  await rig.until(() => rig.running.size === 0, "gone");
  rig.dispatch.wake();
  await setTimeout(100);
  expect(rig.running.size).toBe(0);
  rig.door.expect = () => ({ end: "done", value: {} });
  await finish(submitted());
});

test("a click gets a cell that waits, once its role is clicked with", async () => {
  const task = submitted();
  const { cell, assignment, epoch } = await boundTo(task);
  const ending = { how: "escalate" as const, reason: "r", recommendation: "", facts: {} };
  await rig.dispatch.end({ cell, assignment, epoch, ending });
  now(rig.world, () => {
    const held = rig.world.store.waiting.get(task);
    if (held?.for === "human") rig.world.store.waiting.put(task, { ...held, person: "maria" });
  });
  set({ cells_max: 3 });
  const clicks = [1, 2].map(() => ({ person: "maria", tool: "t", arguments: {} }));
  for (const [nth, click] of clicks.entries()) {
    const before = counts().taken;
    const answer = rig.dispatch.click(task, click);
    await rig.until(() => rig.bound.length === nth + 2, "bound");
    const own = rig.bound.at(-1) ?? expect.fail("not bound");
    await rig.dispatch.end({ ...own, ending: { how: "complete", text: "clicked", fields: {} } } as never);
    expect(await answer).toMatchObject({ value: { text: "clicked" } });
    expect(counts().taken - before).toBe(nth);
    const warmClicks = () => rig.dispatch.state().pool.waiting.some(({ role }) => role === "refund-manager");
    await rig.until(warmClicks, "one waits for the next click");
  }
});

test("the jailer's deadline leaves a cell its age and then the whole time of its task", async () => {
  const deadlines: number[] = [];
  const { start } = rig.jailer;
  rig.jailer.start = (body, peer) => {
    deadlines.push(body.deadline_ms);
    return start(body, peer);
  };
  await warm(1);
  const { pool } = rig.world.core.settings;
  expect(deadlines[0]).toBeGreaterThanOrEqual(role("refund-agent").deadline_ms + pool.age_ms_max);
});

test("the log has each cell's start and end, with what held it", async () => {
  const [cell = ""] = await warm(1);
  setRole("refund-agent", { online: false });
  rig.dispatch.wake();
  await rig.until(() => !rig.running.has(cell), "destroyed");
  await rig.world.core.commit(() => undefined);
  const entries = rig.world.store.audit.all().map(({ value }) => JSON.parse(value.entry) as Record<string, unknown>);
  const of = entries.filter((entry) => entry["cell"] === cell);
  const { bundle, isolation } = role("refund-agent");
  const same = { cell, role: "refund-agent", bundle, isolation };
  expect(of).toMatchObject([
    { verb: "cell_start", ...same },
    { verb: "cell_end", ...same },
  ]);
});
