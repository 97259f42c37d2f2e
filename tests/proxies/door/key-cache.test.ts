import { randomBytes } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { importPublicKeys } from "../../../kernel/abi/keys.ts";
import { CACHE_ENTRIES_MAX, KeyCache } from "../../../proxies/door/key-cache.ts";
import { ISSUER, type KeyWorld, makeKeyWorld, NOW, newSigner, signed, withClaims } from "../../kernel/abi/key-world.ts";

let world: KeyWorld;
beforeAll(async () => {
  world = await makeKeyWorld();
});

/** A good base key of its own id. */
const another = (letter: string) => signed(world.header(), withClaims({ jti: letter.repeat(16) }), world.base);

test("a remembered key is refused from the moment it expires", async () => {
  const cache = new KeyCache();
  const token = await world.good();
  const first = await cache.verifyBase(token, world.keys, NOW);
  expect(await cache.verifyBase(token, world.keys, NOW + 3600_000 - 1)).toBe(first);
  expect(await cache.verifyBase(token, world.keys, NOW + 3600_000)).toMatchObject({ code: "KEY_EXPIRED" });
});

test("a clock gone back before nbf is not answered from memory", async () => {
  const cache = new KeyCache();
  const token = await world.good();
  await cache.verifyBase(token, world.keys, NOW);
  expect((await cache.verifyBase(token, world.keys, NOW - 1000)).end).toBe("refused");
});

test("a remembered base key is still no task key", async () => {
  const cache = new KeyCache();
  const token = await world.good();
  await cache.verifyBase(token, world.keys, NOW);
  expect(await cache.verifyTask(token, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
});

test("what one cache remembers, another verifies for itself", async () => {
  const token = await world.good();
  const first = await new KeyCache().verifyBase(token, world.keys, NOW);
  const second = await new KeyCache().verifyBase(token, world.keys, NOW);
  expect(second).toEqual(first);
  expect(second).not.toBe(first);
});

test("other signing keys void what was remembered, of either kind", async () => {
  const cache = new KeyCache();
  const [base, task] = [await world.good(), await world.goodTask()];
  await cache.verifyBase(base, world.keys, NOW);
  await cache.verifyTask(task, world.keys, NOW);
  const other = await newSigner();
  const keys = await importPublicKeys({ issuer: ISSUER, base: [other.jwk], task: [other.jwk] });
  expect(await cache.verifyBase(base, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  expect(await cache.verifyTask(task, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
});

test("a verification that was under way when the signing keys changed is not remembered", async () => {
  const cache = new KeyCache();
  const token = await world.good();
  const none = await importPublicKeys({ issuer: ISSUER, base: [], task: [] });
  const underWay = cache.verifyBase(token, world.keys, NOW);
  expect(await cache.verifyBase(token, none, NOW)).toMatchObject({ code: "KEY_INVALID" });
  expect(await underWay).toMatchObject({ end: "done" });
  expect(await cache.verifyBase(token, none, NOW)).toMatchObject({ code: "KEY_INVALID" });
});

test(`it holds ${CACHE_ENTRIES_MAX} keys: the one used longest ago makes room`, async () => {
  const cache = new KeyCache();
  const tokens = await Promise.all([..."abcdefgh"].slice(0, CACHE_ENTRIES_MAX + 1).map(another));
  const next = tokens.pop() as string;
  const [first = "", second = ""] = tokens;
  const ends = [];
  for (const token of tokens) ends.push(await cache.verifyBase(token, world.keys, NOW));
  expect(await cache.verifyBase(first, world.keys, NOW)).toBe(ends[0]);
  await cache.verifyBase(next, world.keys, NOW);
  expect(await cache.verifyBase(first, world.keys, NOW)).toBe(ends[0]);
  expect(await cache.verifyBase(second, world.keys, NOW)).not.toBe(ends[1]);
});

test("refusals are not remembered, so what a cell makes up pushes nothing out", async () => {
  const cache = new KeyCache();
  const token = await world.good();
  const first = await cache.verifyBase(token, world.keys, NOW);
  for (let n = 0; n < 10; n++) await cache.verifyBase(randomBytes(100).toString("base64url"), world.keys, NOW);
  expect(await cache.verifyBase(token, world.keys, NOW)).toBe(first);
});
