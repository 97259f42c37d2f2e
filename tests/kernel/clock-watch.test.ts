import { afterEach, beforeEach, expect, test } from "vitest";
import { STEP_MS, watchClock } from "../../kernel/clock-watch.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
let wall: number;
let counted: number;
let look: () => Promise<void>;
beforeEach(async () => {
  world = await openWorld();
  [wall, counted] = [world.clock.now, 5_000];
  look = watchClock(
    world.core,
    () => wall,
    () => counted,
  );
});
afterEach(() => world.close());

const steps = () => world.store.audit.all().map(({ value }) => JSON.parse(value.entry).by_ms);

test.each([STEP_MS, -STEP_MS])("a clock that was set by %d ms is an entry, once", async (by) => {
  wall += 60_000 + by;
  counted += 60_000;
  await look();
  await look();
  expect(steps()).toEqual([by]);
});

test("steps too small to be noted one by one are noted together", async () => {
  for (let at = 0; at < 3; at++) {
    wall += STEP_MS - 1;
    await look();
  }
  expect(steps()).toEqual([2 * (STEP_MS - 1)]);
});

test("time that passes is no step", async () => {
  for (const clock of [1, 500, 86_400_000]) {
    wall += clock + STEP_MS / 4;
    counted += clock;
    await look();
  }
  expect(steps()).toEqual([]);
});
