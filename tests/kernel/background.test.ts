import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { done } from "../../kernel/abi/ends.ts";
import { DELIVERIES_MAX } from "../../kernel/background.ts";
import { openRig, type Rig } from "./rig.ts";
import { end, lease, submitTask } from "./world.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
  const frontends = { shop: { kinds: ["refund"] }, silent: { kinds: ["refund"] } };
  rig.world.core.settings = { ...rig.world.core.settings, frontends };
});
afterEach(() => rig.close());

/** A task that has ended and whose answer is on its way. */
function answered(frontend: string): string {
  const task = submitTask(rig.world, { frontend });
  lease(rig.world, task);
  end(rig.world, task);
  rig.background.settled(task);
  return task;
}

test("a frontend that acknowledges nothing holds DELIVERIES_MAX of its own answers in flight, and nobody else's", async () => {
  const asked: string[] = [];
  const silent = Promise.withResolvers<void>();
  rig.vault.deliver = async ({ frontend }) => {
    asked.push(frontend);
    if (frontend === "silent") await silent.promise;
    return done({});
  };
  const held = Array.from({ length: 3 * DELIVERIES_MAX }, () => answered("silent"));
  const task = answered("shop");
  await rig.until(() => !rig.world.store.outbox.has(task), "the other frontend has its answer");
  await setTimeout(50);
  expect(asked.filter((frontend) => frontend === "silent")).toHaveLength(DELIVERIES_MAX);
  silent.resolve();
  await rig.until(() => held.every((of) => !rig.world.store.outbox.has(of)), "every answer has its turn");
});
