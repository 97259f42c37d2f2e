import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { done } from "../../kernel/abi/ends.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { SILENT_MAX } from "../../kernel/halt.ts";
import { DOOR_SILENT, failedCheck, NOT_SEALED, PROBE_FAILED_FIRST, probeChecks } from "../../kernel/probe-checks.ts";
import { openRig, type Rig } from "./rig.ts";
import { logged, submitTask } from "./world.ts";

const NETWORK = PROBE_FAILED_FIRST + probeChecks.indexOf("has_no_network");

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  expect(storeFaults(rig.world.store)).toEqual([]);
  await rig.close();
});

const silent = () => {
  rig.door.expect = () => new Promise(() => {});
};
const speaking = () => {
  rig.door.expect = () => done({});
};

function submitted(over = {}): string {
  const task = submitTask(rig.world, over);
  rig.dispatch.wake();
  return task;
}

/** The one cell that comes up ends so. */
async function comesUpAndEnds(code: number): Promise<string> {
  await rig.until(() => rig.running.size > 0, "a cell comes up");
  const cell = [...rig.running.keys()].at(-1) ?? "";
  rig.exit(cell, { reason: "failed", code });
  return cell;
}

const halted = () => rig.dispatch.state().halted;
const starts = () => rig.asked.filter((name) => name === "jailer start").length;
const failures = (task: string) => {
  const { assignment } = rig.world.store.tasks.get(task) ?? expect.fail("no task");
  return rig.world.store.assignments.get(assignment)?.failures;
};

test.each([
  ["has_no_network", NETWORK],
  ["is_narrowed", NOT_SEALED],
])(
  "from the first cell on that found %s missing none is started, and its task keeps its attempts",
  async (check, code) => {
    silent();
    const task = submitted();
    const cell = await comesUpAndEnds(code);
    await rig.until(() => halted() !== null, "halted");
    expect(halted()).toMatchObject({ check, cell });
    speaking();
    rig.dispatch.wake();
    await setTimeout(100);
    expect([starts(), rig.stateOf(task), failures(task)]).toEqual([1, "ready", 0]);
    expect(logged(rig.world)).toContain(`cells_halt PROBE_${check.toUpperCase()}`);
  },
);

test("cells that have their task go on; one that came up meanwhile is given none, and what waits is destroyed", async () => {
  rig.world.core.settings = { ...rig.world.core.settings, slots: 4 };
  const going = submitted();
  await rig.until(() => rig.bound.length === 1, "bound");
  silent();
  const doomed = submitted();
  await rig.until(() => rig.running.size === 2, "a second comes up");
  let offer: () => void = () => undefined;
  rig.door.expect = () => new Promise((resolve) => (offer = () => resolve(done({}))));
  const late = submitted({ kind: "hello" });
  await rig.until(() => rig.running.size === 3, "a third comes up");
  const second = [...rig.running.keys()][1] ?? "";
  rig.exit(second, { reason: "failed", code: NETWORK });
  await rig.until(() => halted() !== null, "halted");
  offer();
  await rig.until(() => rig.running.size === 1, "the third is destroyed");
  expect([rig.stateOf(going), rig.stateOf(doomed), rig.stateOf(late)]).toEqual(["leased", "ready", "ready"]);
  const { cell, assignment, epoch } = rig.bound[0] ?? expect.fail("not bound");
  const ending = { how: "complete" as const, text: "", fields: {} };
  expect(await rig.dispatch.end({ cell, assignment, epoch, ending })).toMatchObject({ end: "done" });
});

test("a cell of the pool stops the node as any other, and those that wait are destroyed", async () => {
  const { settings } = rig.world.core;
  rig.world.core.settings = { ...settings, slots: 4, pool: { ...settings.pool, cells_max: 1 } };
  rig.dispatch.wake();
  await rig.until(() => rig.dispatch.state().pool.waiting.length === 1, "one waits");
  silent();
  rig.world.core.settings = { ...settings, slots: 4, pool: { ...settings.pool, cells_max: 2 } };
  rig.dispatch.wake();
  await rig.until(() => rig.running.size === 2, "another comes up");
  await comesUpAndEnds(NETWORK);
  await rig.until(() => halted() !== null && rig.running.size === 0, "all gone");
  speaking();
  rig.dispatch.wake();
  await setTimeout(50);
  expect(rig.running.size).toBe(0);
});

test("an administrator lets it go on, and the log says who; a guard that is missing still stops it again", async () => {
  silent();
  const task = submitted();
  await comesUpAndEnds(NETWORK);
  await rig.until(() => halted() !== null, "halted");
  expect(await rig.dispatch.resume("admin")).toBe(true);
  await comesUpAndEnds(NETWORK);
  await rig.until(() => halted() !== null, "halted again");
  speaking();
  expect(await rig.dispatch.resume("admin")).toBe(true);
  expect(await rig.dispatch.resume("admin")).toBe(false);
  await rig.until(() => rig.stateOf(task) === "leased", "the task runs");
  expect(logged(rig.world).filter((entry) => entry.startsWith("cells_"))).toEqual([
    "cells_halt PROBE_HAS_NO_NETWORK",
    "cells_resume PROBE_HAS_NO_NETWORK",
    "cells_halt PROBE_HAS_NO_NETWORK",
    "cells_resume PROBE_HAS_NO_NETWORK",
  ]);
});

test("what an agent's own code ends with stops nothing: its cell had been offered", async () => {
  const task = submitted();
  await rig.until(() => rig.bound.length === 1, "bound");
  rig.exit(rig.bound[0]?.cell ?? "", { reason: "failed", code: NETWORK });
  await rig.until(() => failures(task) === 1, "an attempt");
  expect(halted()).toBe(null);
});

test(`cells that do not reach the membrane stop it at the ${SILENT_MAX}rd in a row, and no earlier`, async () => {
  silent();
  submitted();
  for (let nth = 1; nth < SILENT_MAX; nth++) {
    await comesUpAndEnds(DOOR_SILENT);
    await rig.until(() => rig.running.size === 0, "gone");
    expect(halted()).toBe(null);
  }
  speaking();
  await rig.until(() => rig.bound.length === 1, "one comes up: the count begins anew");
  silent();
  submitted({ kind: "hello" });
  for (let nth = 1; nth < SILENT_MAX; nth++) {
    await rig.until(() => rig.running.size === 2, "another");
    await comesUpAndEnds(DOOR_SILENT);
    await rig.until(() => rig.running.size === 1, "gone");
  }
  expect(halted()).toBe(null);
  await rig.until(() => rig.running.size === 2, "another");
  await comesUpAndEnds(DOOR_SILENT);
  await rig.until(() => halted()?.check === "reaches_the_membrane", "halted");
});

test("other ends before a cell is offered stop nothing", () => {
  expect([null, 0, 1, 2, 5, 63, PROBE_FAILED_FIRST + probeChecks.length].map(failedCheck)).toEqual(Array(7).fill(null));
});
