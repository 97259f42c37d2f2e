/** Rotation and revocation while cells run: dispatch, store and sockets are real; the door says what a test tells it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TASK_KEY_SECONDS_MAX } from "../../kernel/abi/bounds.ts";
import { done, later } from "../../kernel/abi/ends.ts";
import type { kernelToDoor, RequestOf } from "../../kernel/abi/messages.ts";
import { readLog } from "../../kernel/audit/log.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { intend } from "../../kernel/intend.ts";
import { type Keys, openKeys } from "../../kernel/keys.ts";
import { PUBLISHED_MAX, ROTATE_MS } from "../../kernel/signers.ts";
import { openRig, type Rig } from "./rig.ts";
import { codeOf, NOON, refund, submitTask } from "./world.ts";

type Told = RequestOf<typeof kernelToDoor, "keys">;

let rig: Rig;
let keys: Keys;
let told: Told[];
let ahead: number;
beforeEach(async () => {
  rig = await openRig();
  const started = Date.now();
  ahead = 0;
  rig.world.core.now = () => NOON + Date.now() - started + ahead;
  const { core, mint, signing } = rig.world;
  keys = openKeys({ core, mint, signing, dispatch: rig.dispatch, door: rig.peers.door });
  told = [];
  rig.door.keys = (body) => {
    told.push(body);
    return done({});
  };
});
afterEach(async () => {
  expect(storeFaults(rig.world.store)).toEqual([]);
  await rig.close();
});

/** Submits a task and settles with the `nth` cell that got it. */
async function running(over = {}) {
  const task = submitTask(rig.world, over);
  rig.dispatch.wake();
  return { task, first: await boundTo(task) };
}

async function boundTo(task: string, nth = 1) {
  const of = () => rig.bound.filter(({ document }) => document.task === task);
  await rig.until(() => of().length >= nth, `${task} is bound ${nth} times`);
  return of()[nth - 1] ?? expect.fail("not bound");
}

const ask = ({ cell, assignment, epoch }: Awaited<ReturnType<typeof boundTo>>) =>
  rig.world.core.commit(() =>
    intend(rig.world.core, { cell, assignment, epoch, step: 1, capability: "refund:create", arguments: refund(100) }),
  );

const headerOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
const kidsOf = (set: Told | undefined, kind: "base" | "task") => set?.[kind].map((jwk) => (jwk as { kid: string }).kid);
const entries = (verb: string) =>
  readLog(rig.world.store, { task: null, from: 0, limit: 1000 })
    .entries.map(({ entry }) => entry)
    .filter((entry) => entry["verb"] === verb)
    .map(({ schema: _, time: __, verb: ___, ...rest }) => rest);

describe("rotate", () => {
  test("lets another key sign once the door has it; what runs goes on with what it holds", async () => {
    const { first } = await running();
    const { base: before } = rig.world.signing.current();
    const rotated = await keys.rotate("base", "admin");
    const kid = rotated.end === "done" ? rotated.value.kid : expect.fail("not rotated");
    expect(kidsOf(told.at(-1), "base")).toEqual([kid, before.kid]);
    expect(codeOf(await ask(first))).toBe("done");
    const { first: next } = await running();
    expect(headerOf(first.base_key).kid).toBe(before.kid);
    expect(headerOf(next.base_key).kid).toBe(kid);
    expect(entries("keys_rotate")).toEqual([{ who: "admin", kind: "base", keys: [kid] }]);
  });

  test("changes nothing while the door does not take the new set, and goes on with the same key later", async () => {
    const { kid: before } = rig.world.signing.current().task;
    rig.door.keys = () => later("busy");
    expect(await keys.rotate("task", "admin")).toMatchObject({ end: "later" });
    expect(rig.world.signing.current().task.kid).toBe(before);
    expect(entries("keys_rotate")).toEqual([]);
    const next = rig.world.signing.list().find(({ since }) => since === null)?.kid;
    rig.door.keys = () => done({});
    expect(await keys.rotate("task", "admin")).toEqual({ end: "done", value: { kid: next } });
  });

  test("needs no door that is not there: it is told when it comes", async () => {
    await rig.lose("door");
    await rig.until(() => !rig.peers.door.connected, "the door is gone");
    expect(await keys.rotate("base", "admin")).toMatchObject({ end: "done" });
    await rig.find("door");
    await rig.until(() => rig.peers.door.connected, "the door is there");
    await keys.share();
    expect(kidsOf(told.at(-1), "base")).toContain(rig.world.signing.current().base.kid);
  });

  test("is one at a time: many at once are as many keys, and the door never hears an older set last", async () => {
    const ends = await Promise.all(Array.from({ length: PUBLISHED_MAX }, () => keys.rotate("base", "admin")));
    expect(ends.slice(0, -1).map(({ end }) => end)).toEqual(Array(PUBLISHED_MAX - 1).fill("done"));
    expect(ends.at(-1)).toMatchObject({ end: "later" });
    expect(kidsOf(told.at(-1), "base")?.[0]).toBe(rig.world.signing.current().base.kid);
    expect(new Set(kidsOf(told.at(-1), "base")).size).toBe(PUBLISHED_MAX);
  });

  test("comes by itself once a day, and the old one is taken back when all it signed has run out", async () => {
    const old = rig.world.signing.current();
    await keys.tend();
    expect(told).toEqual([]);
    ahead = ROTATE_MS;
    await keys.tend();
    const fresh = rig.world.signing.current();
    expect([fresh.base.kid, fresh.task.kid]).not.toEqual([old.base.kid, old.task.kid]);
    expect(entries("keys_rotate").map(({ kind, who }) => [kind, who])).toEqual([
      ["base", undefined],
      ["task", undefined],
    ]);
    ahead += TASK_KEY_SECONDS_MAX * 1000 + 1000;
    await keys.tend();
    expect(kidsOf(told.at(-1), "task")).toEqual([fresh.task.kid]);
    expect(kidsOf(told.at(-1), "base")).toEqual([fresh.base.kid, old.base.kid]);
  });
});

describe("revoke", () => {
  test("voids the keys of a run that is not live, and leaves the task beside it alone", async () => {
    rig.world.core.map = [{ on: "TaskCreated", shadow_one_in: 1, to: "refund-manager" }, ...rig.world.core.map];
    const { task, first: shadow } = await running();
    const key = claimsOf(shadow.task_key).jti;
    expect(keys.list().live.map((line) => line.key)).toContain(key);
    expect(await keys.revoke(key, "admin")).toEqual(done({ keys: [key], tasks: [] }));
    const { cell, assignment, epoch } = shadow;
    const call = { cell, assignment, epoch, step: 1, capability: "customer:read", arguments: {} };
    expect(codeOf(await rig.dispatch.intend(call))).toBe("EPOCH_STALE");
    await rig.until(() => !rig.running.has(cell), "destroyed");
    expect(rig.stateOf(task)).toBe("waiting");
    expect(claimsOf((await boundTo(task, 2)).task_key)).toMatchObject({ mode: "shadow" });
  });

  test("of a role ends all its cells in one transaction; their tasks run again with other keys", async () => {
    const [one, two] = [await running(), await running()];
    const base = claimsOf(one.first.base_key).jti;
    expect(claimsOf(two.first.base_key).jti).toBe(base);
    const revoked = await keys.revoke("refund-agent", "admin");
    const cells = [one, two].map(({ first }) => claimsOf(first.task_key).jti);
    expect(revoked).toEqual({ end: "done", value: { keys: [base, ...cells], tasks: [one.task, two.task] } });
    for (const { first } of [one, two]) expect(codeOf(await ask(first))).toBe("EPOCH_STALE");
    for (const { task, first } of [one, two]) {
      const again = await boundTo(task, 2);
      expect(again.epoch).toBe(first.epoch + 1);
      expect(claimsOf(again.base_key).jti).not.toBe(base);
      expect(codeOf(await ask(again))).toBe("done");
    }
    expect(entries("keys_revoke")).toEqual(
      [base, ...cells].map((key) => ({ who: "admin", role: "refund-agent", keys: [key] })),
    );
    expect(entries("expire").map(({ task }) => task)).toEqual([one.task, two.task]);
  });

  test("leaves other roles alone", async () => {
    const { first: other } = await running({ kind: "hello" });
    const { task } = await running();
    expect(await keys.revoke("refund-agent", "admin")).toMatchObject({ value: { tasks: [task] } });
    expect(rig.running.has(other.cell)).toBe(true);
    expect(keys.list().live.map(({ role }) => role)).toContain("hello");
  });

  test("of one task key ends that cell alone, and the base key goes on", async () => {
    const [one, two] = [await running(), await running()];
    const key = claimsOf(one.first.task_key).jti;
    expect(await keys.revoke(key, "admin")).toEqual({ end: "done", value: { keys: [key], tasks: [one.task] } });
    expect(codeOf(await ask(one.first))).toBe("EPOCH_STALE");
    expect(codeOf(await ask(two.first))).toBe("done");
    const again = await boundTo(one.task, 2);
    expect(claimsOf(again.base_key).jti).toBe(claimsOf(one.first.base_key).jti);
    expect(claimsOf(again.task_key).jti).not.toBe(key);
  });

  test("of one base key ends every cell that holds it, and nobody gets it again", async () => {
    const [one, two] = [await running(), await running()];
    const base = claimsOf(one.first.base_key).jti;
    expect(await keys.revoke(base, "admin")).toMatchObject({ value: { tasks: [one.task, two.task] } });
    expect(claimsOf((await boundTo(two.task, 2)).base_key).jti).not.toBe(base);
  });

  test("of a base key that no cell holds now keeps it from the next one", async () => {
    const { task, first } = await running();
    const { cell, assignment, epoch } = first;
    await rig.dispatch.end({ cell, assignment, epoch, ending: { how: "complete", text: "", fields: {} } });
    await rig.until(() => rig.stateOf(task) === "ended" && rig.dispatch.state().slots.used === 0, "over");
    const base = claimsOf(first.base_key).jti;
    expect(await keys.revoke(base, "admin")).toEqual({ end: "done", value: { keys: [base], tasks: [] } });
    expect(claimsOf((await running()).first.base_key).jti).not.toBe(base);
  });

  test("of the key that signs voids all it signed: another signs, and the door verifies the old one no more", async () => {
    const [one, hello] = [await running(), await running({ kind: "hello" })];
    const { kid } = rig.world.signing.current().task;
    const revoked = await keys.revoke(kid, "admin");
    expect(revoked).toMatchObject({ end: "done", value: { tasks: [one.task, hello.task] } });
    expect(kidsOf(told.at(-1), "task")).toEqual([rig.world.signing.current().task.kid]);
    expect(rig.world.signing.current().task.kid).not.toBe(kid);
    expect(headerOf((await boundTo(one.task, 2)).task_key).kid).toBe(rig.world.signing.current().task.kid);
    expect(entries("keys_revoke")[0]).toEqual({ who: "admin", kind: "task", keys: [kid] });
  });

  test("of what nobody has is refused; of a role that holds none it is done and written down", async () => {
    for (const of of ["nobody", "0123456789abcdef", "A".repeat(43)])
      expect(await keys.revoke(of, "admin")).toMatchObject({ end: "refused", code: "KEY_UNKNOWN" });
    expect(entries("keys_revoke")).toEqual([]);
    expect(await keys.revoke("hello", "admin")).toEqual({ end: "done", value: { keys: [], tasks: [] } });
    expect(entries("keys_revoke")).toEqual([{ who: "admin", role: "hello" }]);
  });
});

test("the list shows what signs, what verifies, and every key a cell holds, once", async () => {
  const [one, two] = [await running(), await running()];
  await keys.rotate("base", "admin");
  const { signing, live } = keys.list();
  const counted = signing.map(({ kind, until, live }) => [kind, until === null, live]);
  expect(counted).toEqual([
    ["base", true, 0],
    ["base", false, 1],
    ["task", true, 2],
  ]);
  expect(live.map(({ kind, role, sub, tasks }) => [kind, role, sub, tasks])).toEqual([
    ["base", "refund-agent", "refund-agent", [one.task, two.task]],
    ["task", "refund-agent", one.task, [one.task]],
    ["task", "refund-agent", two.task, [two.task]],
  ]);
  expect(live[1]?.until).toBe(claimsOf(one.first.task_key).exp * 1000);
});
