import { afterEach, beforeEach, expect, test } from "vitest";
import { importPublicKeys, verifyBase, verifyTask } from "../../kernel/abi/keys.ts";
import { claim } from "../../kernel/claim.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { nextWake, pick } from "../../kernel/pick.ts";
import { BUNDLE, end, lease, now, openWorld, role, submitTask, type World, waitingCell } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const tryClaim = (task: string, waiting = waitingCell()) =>
  now(world, () => claim(world.core, world.mint, task, waiting, null));

test("a lease's keys name exactly its attempt, and their ids are in its log entry", async () => {
  const task = submitTask(world);
  const claimed = lease(world, task);
  const keys = await importPublicKeys(world.mint.publicKeys());
  const base = await verifyBase(await claimed.baseKey.sign(), keys, world.clock.now);
  const given = await verifyTask(await claimed.taskKey.sign(), keys, world.clock.now);
  const { assignment, cell, epoch } = claimed.lease;
  expect(base).toMatchObject({ end: "done", value: { role: "refund-agent", bundles: [BUNDLE] } });
  expect(given).toMatchObject({ end: "done", value: { task, assignment, cell, epoch, customer: "tok_00000001" } });
  const entry = JSON.parse(world.store.audit.all().at(-1)?.value.entry ?? "");
  expect(entry).toMatchObject({ verb: "claim", keys: [claimed.lease.base_key, claimed.lease.task_key] });
});

test("a task has at most one lease", () => {
  const task = submitTask(world);
  lease(world, task);
  expect(tryClaim(task)).toBe(null);
});

test("a cell that was started with another bundle than is approved now gets no task", () => {
  const task = submitTask(world);
  expect(tryClaim(task, waitingCell({ bundle: "a".repeat(64) }))).toBe(null);
});

test("a role that is offline or no longer approved gets no task", () => {
  const task = submitTask(world);
  world.roles.set("refund-agent", role("refund-agent", { online: false }));
  expect(tryClaim(task)).toBe(null);
  world.roles.delete("refund-agent");
  expect(tryClaim(task)).toBe(null);
});

test("the document of a re-run is the same, clock included", () => {
  const task = submitTask(world);
  const first = lease(world, task).document;
  end(world, task, { how: "exit" });
  world.clock.now += 60_000;
  expect(lease(world, task).document).toEqual(first);
});

test("of all roles the task that is due longest is picked, and none that is busy", () => {
  const [first, second, third] = [0, 1, 2].map((n) => {
    world.clock.now += 1000;
    return submitTask(world, { kind: n === 1 ? "hello" : "refund" });
  }) as [string, string, string];
  expect(pick(world.core, "due", new Set(), world.clock.now)?.task).toBe(first);
  expect(pick(world.core, "due", new Set([first]), world.clock.now)?.task).toBe(second);
  expect(pick(world.core, "due", new Set([first, second]), world.clock.now)?.task).toBe(third);
  expect(pick(world.core, "due", new Set([first, second, third]), world.clock.now)).toBe(null);
});

test("what is not due yet wakes dispatch when it is: no instant lies between the two", () => {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "exit" });
  const due = world.clock.now + 500;
  expect([pick(world.core, "due", new Set(), due - 1), nextWake(world.core, due - 1)]).toEqual([null, due]);
  expect([pick(world.core, "due", new Set(), due)?.task, nextWake(world.core, due)]).toEqual([task, null]);
});
