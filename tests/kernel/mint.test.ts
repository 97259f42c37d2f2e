import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { BASE_KEY_SECONDS_MAX, TASK_KEY_SECONDS_MAX } from "../../kernel/abi/bounds.ts";
import { importPublicKeys, verifyBase, verifyTask } from "../../kernel/abi/keys.ts";
import { type BaseFacts, type Mint, openMint, type TaskFacts } from "../../kernel/mint.ts";
import { openSigningKeys, type SigningKeys } from "../../kernel/signers.ts";
import { memoryKeystore } from "./world.ts";

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

let keys: SigningKeys;
let mint: Mint;
beforeEach(async () => {
  keys = await openSigningKeys(memoryKeystore(), NOW);
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

  test("is made anew, and signed anew, once another signing key signs", async () => {
    const minted = mint.base(base, "maria", NOW);
    await keys.prepare("base", NOW);
    expect(mint.base(base, "maria", NOW)).toBe(minted);
    keys.promote("base", NOW);
    const fresh = mint.base(base, "maria", NOW);
    expect([fresh.kid, fresh.jti]).not.toContain(minted.kid);
    expect(fresh.kid).toBe(keys.current().base.kid);
    for (const key of [minted, fresh]) expect((await verifyBase(await key.sign(), await door(), NOW)).end).toBe("done");
  });

  test("that was forgotten is given to nobody again", () => {
    const [maria, joan] = [mint.base(base, "maria", NOW), mint.base(base, "joan", NOW)];
    expect(mint.forget(({ sub }) => sub === "maria")).toEqual([maria]);
    expect(mint.base(base, "maria", NOW).jti).not.toBe(maria.jti);
    expect(mint.base(base, "joan", NOW)).toBe(joan);
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
