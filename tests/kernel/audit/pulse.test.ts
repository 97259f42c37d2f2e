import { afterEach, beforeEach, expect, test } from "vitest";
import { tellKey } from "../../../kernel/audit/keys.ts";
import { logKey } from "../../../kernel/audit/note.ts";
import { openPulse, QUIET_MS } from "../../../kernel/audit/pulse.ts";
import { logged, now, openWorld, type World } from "../world.ts";
import { KEY, seed } from "./log-world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

function pulse() {
  const tended: number[] = [];
  const publisher = {
    tend: async () => void tended.push(logged(world).length),
    state: () => ({ published: 0, key: "", fault: null }),
  };
  return { beat: openPulse(world.core, publisher), tended };
}

test("after a minute without an entry one says so, and not before", async () => {
  const { beat, tended } = pulse();
  now(world, () => tellKey(world.core, KEY));
  await beat();
  world.clock.now += QUIET_MS - 1;
  await beat();
  expect(logged(world)).toEqual(["log_key"]);
  world.clock.now += 1;
  await beat();
  expect(logged(world)).toEqual(["log_key", "quiet"]);
  await beat();
  world.clock.now += QUIET_MS;
  await beat();
  expect(logged(world)).toEqual(["log_key", "quiet", "quiet"]);
  expect(tended).toEqual([1, 1, 2, 2, 3]);
});

test("the log tells its key once, and another one when it has another", () => {
  for (const key of [KEY, KEY, logKey("silo/test", seed(2)), KEY]) now(world, () => tellKey(world.core, key));
  const keys = world.store.audit.all().map(({ value }) => JSON.parse(value.entry).keys[0]);
  expect(keys).toEqual([KEY.public, logKey("silo/test", seed(2)).public, KEY.public]);
});
