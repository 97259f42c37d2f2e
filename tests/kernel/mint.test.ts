import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { BASE_KEY_SECONDS_MAX, TASK_KEY_SECONDS_MAX } from "../../kernel/abi/bounds.ts";
import { importPublicKeys, verifyBase, verifyTask } from "../../kernel/abi/keys.ts";
import { type BaseFacts, type Mint, openMint, type TaskFacts } from "../../kernel/mint.ts";
import type { Keystore } from "../../kernel/process/keystore.ts";
import { NOTICE_MS, openSigningKeys, type SigningKeys } from "../../kernel/signers.ts";

const NOW = 1_800_000_000_500;
const DAY_MS = BASE_KEY_SECONDS_MAX * 1000;
const base: BaseFacts = {
  role: "refund-agent",
  bundle: "a".repeat(64),
  grant: { "refund:create": [{ measure: "amount", scope: "call", unit: "USD", max: 50_000 }] },
  escalates_to: ["refund-manager"],
  subagents: [],
};
const task: TaskFacts = {
  task: "task_0123456789abcdef",
  case: "case_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  customer: null,
  event: "b".repeat(64),
  role: "refund-agent",
  bundle: "a".repeat(64),
  cell: "cell_0123456789abcdef",
  epoch: 3,
  mode: "live",
  until: NOW + 120_000,
};

/** The keystore's own guards are tested with it; here one that holds secrets as it does. */
function keystoreOf(kept = new Map<string, Uint8Array>()): Keystore {
  return {
    appliance: "0123456789abcdef",
    secret(name, create) {
      const secret = kept.get(name) ?? create();
      kept.set(name, secret);
      return secret;
    },
    replace: (name, secret) => void kept.set(name, secret),
  };
}

let kept: Map<string, Uint8Array>;
let keys: SigningKeys;
let mint: Mint;
beforeEach(async () => {
  kept = new Map();
  keys = await openSigningKeys(keystoreOf(kept), NOW);
  mint = openMint({ keys, issuer: "silo-0123456789abcdef", random: randomBytes });
});
const door = () => importPublicKeys(mint.publicKeys());

describe("a base key", () => {
  test("says what the role's grant says, to the door's satisfaction", async () => {
    const minted = mint.base(base, "maria", NOW);
    const end = await verifyBase(await minted.sign(), await door(), NOW);
    expect(end).toMatchObject({
      end: "done",
      value: { sub: "maria", role: "refund-agent", bundles: [base.bundle], capabilities: base.grant, jti: minted.jti },
    });
    expect(end.end === "done" && Object.keys(end.value).sort()).not.toContain("approved_by");
    expect(minted.expires).toBe((Math.floor(NOW / 1000) + BASE_KEY_SECONDS_MAX) * 1000);
  });

  test("serves until it has an hour left, then another one does", () => {
    const minted = mint.base(base, "refund-agent", NOW);
    const renewal = minted.expires - 60 * 60 * 1000;
    expect(mint.base(base, "refund-agent", renewal - 1)).toBe(minted);
    expect(mint.base(base, "refund-agent", renewal).jti).not.toBe(minted.jti);
  });

  test("is made anew when the grant, the bundle or the person changes", () => {
    const minted = mint.base(base, "maria", NOW);
    expect(mint.base(base, "joan", NOW).jti).not.toBe(minted.jti);
    expect(mint.base({ ...base, bundle: "c".repeat(64) }, "maria", NOW).jti).not.toBe(minted.jti);
    expect(mint.base({ ...base, grant: {} }, "maria", NOW).jti).not.toBe(minted.jti);
  });
});

describe("a task key", () => {
  test("names the lease, to the door's satisfaction", async () => {
    const minted = mint.task(task, NOW);
    const end = await verifyTask(await minted.sign(), await door(), NOW);
    const { until, ...claims } = task;
    expect(end).toMatchObject({ end: "done", value: { ...claims, sub: task.task, jti: minted.jti } });
    expect(minted.expires).toBeGreaterThanOrEqual(until);
    expect(minted.expires).toBeLessThan(until + 1000);
  });

  test("lives 20 minutes at most, however late the deadline", async () => {
    const minted = mint.task({ ...task, until: NOW + DAY_MS }, NOW);
    expect(minted.expires).toBe((Math.floor(NOW / 1000) + TASK_KEY_SECONDS_MAX) * 1000);
    expect((await verifyTask(await minted.sign(), await door(), minted.expires - 1)).end).toBe("done");
    expect(await verifyTask(await minted.sign(), await door(), minted.expires)).toMatchObject({ code: "KEY_EXPIRED" });
  });

  test("is never the same twice", () => {
    expect(mint.task(task, NOW).jti).not.toBe(mint.task(task, NOW).jti);
  });
});

describe("signing keys", () => {
  test("are another one for each kind of key, and their private half is not published", () => {
    const { base, task } = mint.publicKeys();
    expect(base[0]?.kid).not.toBe(task[0]?.kid);
    expect(JSON.stringify(mint.publicKeys())).not.toMatch(/"d":/);
  });

  test("are the same after a restart", async () => {
    const again = await openSigningKeys(keystoreOf(kept), NOW + 1000);
    expect(again.published()).toEqual(keys.published());
  });

  test("a day later are published an hour before they sign, and the old ones verify a day longer", async () => {
    const yesterday = await mint.base(base, "refund-agent", NOW).sign();
    const first = keys.current().base.kid;
    expect(await keys.rotate(NOW + DAY_MS - NOTICE_MS - 1)).toBe(false);
    expect(await keys.rotate(NOW + DAY_MS - NOTICE_MS)).toBe(true);
    expect(keys.current().base.kid).toBe(first);
    expect(keys.published().base.map(({ kid }) => kid)).toEqual([first, expect.any(String)]);
    const announced = await door();

    expect(await keys.rotate(NOW + DAY_MS - 1)).toBe(false);
    expect(await keys.rotate(NOW + DAY_MS)).toBe(true);
    expect(keys.current().base.kid).not.toBe(first);
    const later = NOW + DAY_MS + 1000;
    const fresh = await mint.base({ ...base, grant: {} }, "refund-agent", later).sign();
    expect((await verifyBase(fresh, announced, later)).end).toBe("done");
    expect((await verifyBase(yesterday, await door(), NOW + DAY_MS - 1000)).end).toBe("done");
  });

  test("of the day before yesterday verify no more", async () => {
    const first = keys.current().base.kid;
    for (let day = 1; day <= 2; day++) {
      await keys.rotate(NOW + day * DAY_MS - NOTICE_MS);
      await keys.rotate(NOW + day * DAY_MS);
    }
    expect(keys.published().base.map(({ kid }) => kid)).not.toContain(first);
  });

  test("that are older than a day at start are replaced at once, and stay so", async () => {
    const later = NOW + DAY_MS;
    const renewed = await openSigningKeys(keystoreOf(kept), later);
    expect(renewed.current().base.kid).not.toBe(keys.current().base.kid);
    expect((await openSigningKeys(keystoreOf(kept), later + 1)).published()).toEqual(renewed.published());
  });

  test("that are damaged keep the kernel from starting", async () => {
    const good = kept.get("signing") ?? Buffer.alloc(0);
    for (const secret of [
      Buffer.alloc(0),
      good.slice(1),
      Buffer.concat([good, good]),
      Buffer.concat([good.subarray(0, 8), Buffer.alloc(64)]),
      Buffer.concat([good.subarray(0, 8), Buffer.alloc(64, 255)]),
    ]) {
      const damaged = keystoreOf(new Map([["signing", secret]]));
      await expect(openSigningKeys(damaged, NOW)).rejects.toThrow(/damaged/);
    }
  });
});
