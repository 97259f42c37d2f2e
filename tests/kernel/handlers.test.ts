import { afterEach, beforeEach, expect, test } from "vitest";
import { INTENTS_MAX } from "../../kernel/excess.ts";
import { doorHandlers } from "../../kernel/handlers.ts";
import { openRig, type Rig } from "./rig.ts";
import { submitTask } from "./world.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

test("a cell that asks for one step for ever is destroyed before it fills the log", { timeout: 60_000 }, async () => {
  const task = submitTask(rig.world);
  rig.dispatch.wake();
  await rig.until(() => rig.bound.length > 0, "bound");
  const { cell, assignment, epoch } = rig.bound[0] ?? expect.fail("not bound");
  const { intend } = doorHandlers(rig.world.core, rig.dispatch);
  const call = { cell, assignment, epoch, step: 1, capability: "kv:get", arguments: {} };
  const peer = { closed: new Promise<void>(() => undefined) };
  for (let asked = 0; asked < INTENTS_MAX; asked += 1000)
    await Promise.all(Array.from({ length: 1000 }, () => intend(call, peer)));
  expect(rig.stateOf(task)).toBe("leased");
  expect(rig.running.has(cell)).toBe(true);
  await intend(call, peer);
  await rig.until(() => !rig.running.has(cell), "the cell is destroyed");
  expect(await intend(call, peer)).toMatchObject({ end: "refused", code: "EPOCH_STALE" });
  expect(rig.world.store.assignments.get(assignment)?.failures).toBe(1);
});
