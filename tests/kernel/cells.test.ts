import { afterEach, beforeEach, expect, test } from "vitest";
import { refused } from "../../kernel/abi/ends.ts";
import { openRig, type Rig } from "./rig.ts";
import { logged, submitTask } from "./world.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

test("a task whose case the vault cannot open is tried as often as any other, and then is in front of a person", async () => {
  rig.vault.bind = () => refused("CASE_UNKNOWN");
  const task = submitTask(rig.world);
  rig.dispatch.wake();
  await rig.until(() => rig.stateOf(task) === "waiting", "the task leaves the agent");
  expect(rig.asked.filter((one) => one === "vault bind")).toHaveLength(rig.world.core.settings.attempts.max);
  expect(rig.asked).not.toContain("door bind");
  expect(logged(rig.world, task).at(-1)).toBe("settle ATTEMPTS_USED_UP");
});
