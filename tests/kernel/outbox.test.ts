import { afterEach, beforeEach, expect, test } from "vitest";
import { storeFaults } from "../../kernel/faults.ts";
import { deliveryOf, receipt, stateOf, undeliverable, undelivered } from "../../kernel/outbox.ts";
import { codeOf, end, lease, logged, now, openWorld, submitTask, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

function completed(): string {
  const task = submitTask(world);
  lease(world, task);
  end(world, task);
  return task;
}
const delivery = (task: string) => deliveryOf(world.core, task) ?? expect.fail("no delivery");
const state = (task: string, answer: boolean, frontend = "shop") =>
  now(world, () => stateOf(world.core, { frontend, task, answer }));

test("an answer stays in the outbox until its receipt, always under the same id", () => {
  const task = completed();
  const first = delivery(task);
  expect(delivery(task).delivery).toBe(first.delivery);
  expect(first).toMatchObject({ frontend: "shop", event: "Completed", text: "Dear [NAME_1]", sealed: ["c2VhbGVk"] });
  now(world, () => receipt(world.core, first));
  expect([deliveryOf(world.core, task), undelivered(world.core)]).toEqual([null, []]);
});

test("who asks for the answer of an ended task gets it again, under the same id", () => {
  const task = completed();
  const first = delivery(task);
  now(world, () => receipt(world.core, first));
  expect(state(task, false)).toMatchObject({ value: { state: "ended", event: "Completed", role: null } });
  expect(undelivered(world.core)).toEqual([]);
  state(task, true);
  expect(delivery(task).delivery).toBe(first.delivery);
});

test("the log tells of the first receipt, however often the answer is asked for again", () => {
  const task = completed();
  for (let asked = 0; asked < 3; asked++) {
    now(world, () => receipt(world.core, delivery(task)));
    state(task, true);
  }
  now(world, () => receipt(world.core, delivery(task)));
  expect(undelivered(world.core)).toEqual([]);
  expect(logged(world, task).filter((entry) => entry === "receipt")).toHaveLength(1);
});

test("the log tells once that an answer was given up, however often it is asked for, and once that it came through after all", () => {
  const task = completed();
  const giveUp = () => now(world, () => undeliverable(world.core, delivery(task), "TOKEN_UNKNOWN"));
  giveUp();
  for (let asked = 0; asked < 3; asked++) {
    giveUp();
    expect(undelivered(world.core)).toEqual([]);
    state(task, true);
  }
  for (let asked = 0; asked < 3; asked++) {
    now(world, () => receipt(world.core, delivery(task)));
    state(task, true);
  }
  expect(logged(world, task).slice(-3)).toEqual([
    "undeliverable TOKEN_UNKNOWN",
    "undeliverable TOKEN_UNKNOWN",
    "receipt",
  ]);
});

test("a frontend reaches only its own tasks", () => {
  const task = completed();
  expect(codeOf(state(task, true, "bank"))).toBe("TASK_UNKNOWN");
  expect(codeOf(state("task_0000000000000000", false))).toBe("TASK_UNKNOWN");
});

test("a live task says where it is and with whom", () => {
  const task = submitTask(world);
  expect(state(task, true)).toMatchObject({ value: { state: "ready", role: "refund-agent", event: null } });
  lease(world, task);
  expect(state(task, false)).toMatchObject({ value: { state: "leased" } });
});

test("an answer that cannot be delivered is a failure the frontend is told of; one that cannot be told either is given up", () => {
  const task = completed();
  now(world, () => undeliverable(world.core, delivery(task), "TOKEN_UNKNOWN"));
  expect(delivery(task)).toMatchObject({ event: "Failed", text: "", fields: {} });
  expect(world.store.ended.get(task)?.reason).toBe("TOKEN_UNKNOWN");
  now(world, () => undeliverable(world.core, delivery(task), "TOKEN_UNKNOWN"));
  expect(undelivered(world.core)).toEqual([]);
});
