import { beforeAll, expect, test } from "vitest";
import { KeyCache } from "../../../proxies/door/key-cache.ts";
import { readKeys, verifyKeys } from "../../../proxies/door/keys.ts";
import type { Binding } from "../../../proxies/door/slot.ts";
import { baseClaims, type KeyWorld, makeKeyWorld, NOW, taskClaims } from "../../kernel/abi/key-world.ts";

const binding: Binding = { keys: { base: baseClaims, task: taskClaims }, document: null };
const admitted = { end: "done", value: binding.keys };

let world: KeyWorld;
let baseKey: string;
let taskKey: string;
beforeAll(async () => {
  world = await makeKeyWorld();
  baseKey = await world.good();
  taskKey = await world.goodTask();
});

const occupant = (bound: Binding | undefined = binding) => ({ verified: new KeyCache(), bound });
const both = (base = baseKey, task = taskKey) => ({ authorization: `Bearer ${base}`, "silo-task-key": task });

/** A request with these headers, from the cell that is in the slot. */
function read(headers: Record<string, string>, from = occupant(), now = () => NOW) {
  return readKeys({ keys: world.keys, now }, from, { header: (name) => headers[name] });
}

test("two verified keys are held against what is bound to the slot, as it is when they have been verified", async () => {
  expect(await read(both())).toEqual(admitted);
  const other = { ...binding, keys: { ...binding.keys, task: { ...taskClaims, epoch: 2 } } };
  expect(await read(both(), occupant(other))).toMatchObject({ code: "KEY_MISMATCH" });
  const leaving = occupant();
  const underWay = read(both(), leaving);
  Object.assign(leaving, { bound: undefined });
  expect(await underWay).toMatchObject({ code: "KEY_MISMATCH" });
  expect(await read(both(), leaving)).toMatchObject({ code: "KEY_MISMATCH" });
});

test("a key that expires while it is verified is refused", async () => {
  const times = [NOW, NOW];
  const now = () => times.shift() ?? taskClaims.exp * 1000;
  expect(await read(both(), occupant(), now)).toMatchObject({ code: "KEY_EXPIRED" });
});

test("both keys come along, the base key as a bearer's, spelt in one way", async () => {
  const { authorization, ...task } = both();
  const spellings = [baseKey, `bearer ${baseKey}`, `Basic ${baseKey}`, `x Bearer ${baseKey}`];
  const wrong = spellings.map((spelling) => ({ ...task, authorization: spelling }));
  for (const headers of [{}, { authorization }, task, ...wrong])
    expect(await read(headers)).toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringContaining("Both keys must come along"),
    });
});

test("each key is verified as what it is, and neither makes up for the other", async () => {
  for (const headers of [both("x"), both(baseKey, "x"), both(taskKey), both(baseKey, baseKey)]) {
    const end = await read(headers);
    expect(end).toMatchObject({ code: "KEY_INVALID", message: expect.not.stringContaining("come along") });
  }
});

test("what was verified is remembered with the cell it was verified for", async () => {
  const { verified } = occupant();
  const known = { keys: world.keys, now: () => NOW };
  const first = await verifyKeys(known, verified, baseKey, taskKey);
  const again = await verifyKeys(known, verified, baseKey, taskKey);
  if (first.end !== "done" || again.end !== "done") return expect.fail(JSON.stringify([first, again]));
  expect([first.value.base, first.value.task]).toEqual([baseClaims, taskClaims]);
  expect(again.value.base).toBe(first.value.base);
  expect(again.value.task).toBe(first.value.task);
});

test("until the kernel has said which keys verify, nothing is admitted and nothing refused", async () => {
  const unknown = { keys: undefined, now: () => NOW };
  expect(await verifyKeys(unknown, new KeyCache(), baseKey, taskKey)).toMatchObject({ end: "later" });
});
