import { beforeEach, describe, expect, test } from "vitest";
import { BASE_KEY_SECONDS_MAX, TASK_KEY_SECONDS_MAX } from "../../kernel/abi/bounds.ts";
import { keyKinds } from "../../kernel/abi/claims.ts";
import { importPublicKeys } from "../../kernel/abi/keys.ts";
import { openSigningKeys, PUBLISHED_MAX, ROTATE_MS, type SigningKeys } from "../../kernel/signers.ts";
import { memoryKeystore } from "./world.ts";

const NOW = 1_800_000_000_000;
const LIFE_MS = { base: BASE_KEY_SECONDS_MAX * 1000, task: TASK_KEY_SECONDS_MAX * 1000 };

let kept: Map<string, Uint8Array>;
let keys: SigningKeys;
beforeEach(async () => {
  kept = new Map();
  keys = await openSigningKeys(memoryKeystore(kept), NOW);
});

const kids = (kind: "base" | "task") => keys.published()[kind].map(({ kid }) => kid);

async function rotate(kind: "base" | "task", now: number): Promise<string> {
  const kid = await keys.prepare(kind, now);
  keys.promote(kind, now);
  return kid ?? expect.fail("none was prepared");
}

test("each kind of key has a signing key of its own, and the door can take them", async () => {
  const { base, task } = keys.current();
  expect(base.kid).not.toBe(task.kid);
  const published = await importPublicKeys({ issuer: "silo-test", ...keys.published() });
  expect([[...published.base.keys()], [...published.task.keys()]]).toEqual([[base.kid], [task.kid]]);
});

test("no private half is published", () => {
  for (const jwk of [...keys.published().base, ...keys.published().task])
    expect(Object.keys(jwk).sort()).toEqual(["crv", "kid", "kty", "x", "y"]);
});

test("after a restart the same sign, made and begun when they were", async () => {
  await rotate("base", NOW + 5000);
  const again = await openSigningKeys(memoryKeystore(kept), NOW + 9000);
  expect(again.list()).toEqual(keys.list().filter(({ until }) => until === null));
});

describe.each(keyKinds)("a signing key of kind %s", (kind) => {
  const other = kind === "base" ? "task" : "base";

  test("that is prepared is published and does not sign; asked for again it is the same", async () => {
    const before = keys.current();
    const next = await keys.prepare(kind, NOW + 1000);
    expect(await keys.prepare(kind, NOW + 2000)).toBe(next);
    expect(kids(kind)).toEqual([next, before[kind].kid]);
    expect(keys.current()).toEqual(before);
    expect(keys.list()).toContainEqual({ kid: next, kind, made: NOW + 1000, since: null, until: null });
  });

  test("that is promoted signs at once, and the one before verifies as long as what it signed may live", async () => {
    const old = keys.current();
    const fresh = await rotate(kind, NOW + 1000);
    expect(keys.current()[kind].kid).toBe(fresh);
    expect(keys.current()[other]).toBe(old[other]);
    const until = NOW + 1000 + LIFE_MS[kind];
    expect(keys.list()).toContainEqual({ kid: old[kind].kid, kind, made: NOW, since: NOW, until });
    expect(keys.drop(until - 1)).toBe(false);
    expect(kids(kind)).toEqual([fresh, old[kind].kid]);
    expect(keys.drop(until)).toBe(true);
    expect(kids(kind)).toEqual([fresh]);
  });

  test("that was replaced can be dropped by name before its time; one that signs cannot", async () => {
    const old = keys.current()[kind].kid;
    expect(keys.drop(NOW, old)).toBe(false);
    const fresh = await rotate(kind, NOW);
    expect(keys.drop(NOW, fresh)).toBe(false);
    expect(keys.drop(NOW, old)).toBe(true);
    expect(kids(kind)).toEqual([fresh]);
  });

  test("is due when it has signed for a day, not a millisecond before", async () => {
    await rotate(other, NOW + 1);
    expect(keys.due(NOW + ROTATE_MS - 1)).toEqual([]);
    expect(keys.due(NOW + ROTATE_MS)).toEqual([kind]);
  });

  test("that is due at start is replaced at once, and stays so; the other is not", async () => {
    await rotate(other, NOW + 1000);
    const renewed = await openSigningKeys(memoryKeystore(kept), NOW + ROTATE_MS);
    expect(renewed.current()[kind].kid).not.toBe(keys.current()[kind].kid);
    expect(renewed.current()[other].kid).toBe(keys.current()[other].kid);
    const again = await openSigningKeys(memoryKeystore(kept), NOW + ROTATE_MS + 1);
    expect(again.published()).toEqual(renewed.published());
  });

  test(`is one of ${PUBLISHED_MAX} that verify: no further one is prepared until one has run out`, async () => {
    for (let made = 1; made < PUBLISHED_MAX; made++) await rotate(kind, NOW + made);
    expect(kids(kind)).toHaveLength(PUBLISHED_MAX);
    expect(await keys.prepare(kind, NOW + PUBLISHED_MAX)).toBe(null);
    keys.drop(NOW + 1 + LIFE_MS[kind]);
    expect(await keys.prepare(kind, NOW + 1 + LIFE_MS[kind])).not.toBe(null);
    expect(kids(kind)).toHaveLength(PUBLISHED_MAX);
  });
});

test("damaged signing keys keep the kernel from starting", async () => {
  const good = kept.get("signing") ?? Buffer.alloc(0);
  const half = good.length / 2;
  for (const secret of [
    Buffer.alloc(0),
    good.slice(1),
    Buffer.concat([good, good]),
    good.slice(0, half),
    Buffer.concat([good.subarray(0, half - 32), Buffer.alloc(32), good.subarray(half)]),
    Buffer.concat([good.subarray(0, 2 * half - 32), Buffer.alloc(32, 255)]),
  ]) {
    const damaged = memoryKeystore(new Map([["signing", Buffer.from(secret)]]));
    await expect(openSigningKeys(damaged, NOW)).rejects.toThrow(/damaged/);
  }
});

test("a signing key that began in a time to come is replaced at the start: it would sign for as long", async () => {
  const before = keys.current();
  const again = await openSigningKeys(memoryKeystore(kept), NOW - 1);
  for (const kind of keyKinds) expect(again.current()[kind].kid).not.toBe(before[kind].kid);
  expect(again.due(NOW - 1 + ROTATE_MS)).toEqual(["base", "task"]);
});
