import { beforeAll, describe, expect, test } from "vitest";
import { BASE_KEY_SECONDS_MAX, KEY_CHARS_MAX, TASK_KEY_SECONDS_MAX } from "../../../kernel/abi/bounds.ts";
import { BASE_TYP, TASK_TYP } from "../../../kernel/abi/claims.ts";
import { Violation } from "../../../kernel/abi/frames.ts";
import type { Json } from "../../../kernel/abi/json.ts";
import { importPublicKeys, signClaims, verifyBase, verifyTask } from "../../../kernel/abi/keys.ts";
import {
  baseClaims,
  ISSUER,
  isUpper,
  type KeyWorld,
  makeKeyWorld,
  NOW,
  SECOND,
  signed,
  taskClaims,
  withClaims,
} from "./key-world.ts";

/** What is refused stands in tests/attacks/keys/forged.test.ts. */
let world: KeyWorld;
beforeAll(async () => {
  world = await makeKeyWorld();
});

describe("a key this appliance made", () => {
  test("a base key verifies and gives its claims", async () => {
    expect(await verifyBase(await world.good(), world.keys, NOW)).toEqual({ end: "done", value: baseClaims });
  });

  test("a task key verifies and gives its claims", async () => {
    const token = await signClaims(TASK_TYP, world.task.jwk.kid, taskClaims, world.task.key);
    expect(await verifyTask(token, world.keys, NOW)).toEqual({ end: "done", value: taskClaims });
  });

  test("it is good until the last millisecond before exp and expired from then on", async () => {
    const token = await world.good();
    expect((await verifyBase(token, world.keys, NOW + 3600_000 - 1)).end).toBe("done");
    expect(await verifyBase(token, world.keys, NOW + 3600_000)).toMatchObject({ code: "KEY_EXPIRED" });
    expect(await verifyBase(token, world.keys, NOW + 3601_000)).toMatchObject({ code: "KEY_EXPIRED" });
  });

  test("the longest life is allowed and a second more is not", async () => {
    const longest = await signed(world.header(), withClaims({ exp: SECOND + BASE_KEY_SECONDS_MAX }), world.base);
    expect((await verifyBase(longest, world.keys, NOW)).end).toBe("done");
    const longer = await signed(world.header(), withClaims({ exp: SECOND + BASE_KEY_SECONDS_MAX + 1 }), world.base);
    expect(await verifyBase(longer, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    const taskLonger = { ...taskClaims, exp: SECOND + TASK_KEY_SECONDS_MAX + 1 };
    const token = await signClaims(TASK_TYP, world.task.jwk.kid, taskLonger, world.task.key);
    expect(await verifyTask(token, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });
});

test("a key as long as a key may be verifies, and the next longer one does not", async () => {
  const entries = Array.from({ length: 600 }, (_, n): [string, Json] => [`c:n${String(n).padStart(20, "0")}`, []]);
  const withSize = (count: number, sub: number) => {
    const capabilities = Object.fromEntries(entries.slice(0, count));
    return signClaims(
      BASE_TYP,
      world.base.jwk.kid,
      { ...baseClaims, capabilities, sub: "s".repeat(sub) },
      world.base.key,
    );
  };
  let count = 350;
  while (count < entries.length && (await withSize(count, 100)).length <= KEY_CHARS_MAX) count++;
  const tokens = await Promise.all(Array.from({ length: 100 }, (_, sub) => withSize(count, sub + 1)));
  const longest = tokens.findLast((token) => token.length <= KEY_CHARS_MAX) ?? "";
  const next = tokens.find((token) => token.length > KEY_CHARS_MAX) ?? "";
  expect(next.length - longest.length).toBeLessThanOrEqual(2);
  expect((await verifyBase(longest, world.keys, NOW)).end).toBe("done");
  expect(await verifyBase(next, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
});

test("of the two signatures ECDSA has for a key, the lower one is given", async () => {
  // One in sixteen has to be turned into one that begins with a zero.
  const tokens = await Promise.all(Array.from({ length: 300 }, () => world.good()));
  expect(tokens.filter(isUpper)).toEqual([]);
  for (const token of tokens) expect((await verifyBase(token, world.keys, NOW)).end).toBe("done");
});

describe("the door's key sets", () => {
  test("anything but a public P-256 key is a violation", async () => {
    const sets: unknown[] = [
      null,
      { ...world.base.jwk, d: "A".repeat(43) },
      { ...world.base.jwk, kty: "oct", k: "AAAA" },
      { ...world.base.jwk, crv: "P-384" },
      { ...world.base.jwk, kid: "short" },
      { ...world.base.jwk, x: "A".repeat(42) },
      { ...world.base.jwk, y: `${"A".repeat(43)}=` },
    ];
    for (const jwk of sets) {
      await expect(importPublicKeys({ issuer: ISSUER, base: [jwk], task: [] })).rejects.toThrow(Violation);
    }
  });
});
