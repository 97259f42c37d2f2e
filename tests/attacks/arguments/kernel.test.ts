/**
 * Hostile arguments from a door that was taken over: the kernel, on the door's real edge with its real dispatch, refuses them by its own records. A
 * refusal leaves its journal entry and its line in the log, a violation nothing.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { STEPS_MAX } from "../../../kernel/abi/bounds.ts";
import { edgeBetween } from "../../../kernel/abi/edges.ts";
import { digest } from "../../../kernel/abi/json.ts";
import { doorToKernel, type kernelToDoor, type RequestOf } from "../../../kernel/abi/messages.ts";
import { checkPermit, type Permit } from "../../../kernel/abi/permit.ts";
import { storeFaults } from "../../../kernel/faults.ts";
import { doorHandlers } from "../../../kernel/handlers.ts";
import { listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { openRig, type Rig } from "../../kernel/rig.ts";
import { permitKey, submitTask } from "../../kernel/world.ts";
import { attacks, good, refundWith, spellings } from "./attacks.ts";
import { type Heard, say, verdictOf } from "./kin.ts";

const edge = edgeBetween("door", "kernel");
const run = mkdtempSync(join(tmpdir(), "silo-arguments-"));
let rig: Rig;
let server: Server;
let bound: RequestOf<typeof kernelToDoor, "bind">;
let step = 0;

beforeAll(async () => {
  rig = await openRig();
  mkdirSync(join(run, "kernel", "door"), { recursive: true });
  const log = openLog("kernel");
  log.level = "silent";
  server = await listen(edge, doorToKernel, doorHandlers(rig.world.core, rig.dispatch), { run, log });
  submitTask(rig.world);
  rig.dispatch.wake();
  await rig.until(() => rig.bound.length === 1, "the task is bound");
  bound = rig.bound[0] as typeof bound;
});
beforeEach(() => rig.dispatch.tend());
afterAll(async () => {
  server.close();
  expect(storeFaults(rig.world.store)).toEqual([]);
  await rig.close();
  rmSync(run, { recursive: true });
});

function intend(capability: string, sent: string, over: Record<string, string> = {}): Promise<Heard> {
  const { cell, assignment, epoch } = bound;
  const said = { cell: `"${cell}"`, assignment: `"${assignment}"`, epoch, step: ++step, ...over };
  const members = Object.entries(said).map(([name, text]) => `"${name}":${text}`);
  return say(run, edge, "intend", `{${members.join(",")},"capability":"${capability}","arguments":${sent}}`);
}

/** Everything a call could have changed. */
function state() {
  const { ledger, open, journal, audit } = rig.world.store;
  return { ledger: ledger.all(), open: open.all(), journal: journal.count(), audit: audit.count() };
}
const lastEntry = () => JSON.parse(rig.world.store.audit.all().at(-1)?.value.entry ?? "");
const permitOf = (heard: Heard) => (heard as unknown as { value: { permit: Permit } }).value.permit;

test.for(attacks)("$name: the kernel says $kin, reserves nothing and permits nothing", async (attack) => {
  const before = state();
  expect(verdictOf(await intend(attack.capability, attack.sent))).toBe(attack.kin);
  if (attack.kin === "violation") return expect(state()).toEqual(before);
  expect(state()).toEqual({ ...before, journal: before.journal + 1, audit: before.audit + 1 });
  const { capability, kin: code } = attack;
  expect(lastEntry()).toMatchObject({ verb: "intend", decision: "refused", code, capability, step });
  expect(lastEntry().ledger).toBeUndefined();
  const entry = rig.world.store.journal.get([bound.assignment, step]);
  expect(entry).toMatchObject({ arguments: {}, reserved: [], outcome: { end: "refused", code } });
});

test.for(Object.entries(spellings))("%s is counted and permitted as the call it says", async ([, sent]) => {
  const before = rig.world.store.ledger.all().map(({ value }) => value);
  const permit = permitOf(await intend("refund:create", sent));
  const call = { proxy: "database", capability: "refund:create", effect: "write" as const };
  const check = { ...call, arguments: good["refund:create"], now: Date.now() };
  expect(checkPermit(permit, check, permitKey("database")).end).toBe("done");
  const after = rig.world.store.ledger.all().map(({ value }) => value);
  expect(after).toEqual(after.map((_, at) => (before[at] ?? 0) + 500));
});

test("an argument twice between kin has one reading: what is counted is what is permitted", async () => {
  const permit = permitOf(await intend("refund:create", refundWith("reason", '"r","amount":700')));
  expect(permit.arguments).toBe(digest({ ...good["refund:create"], reason: "r", amount: 700 }));
  expect(lastEntry().ledger).toMatchObject([{ amount: 700 }, { amount: 700 }, { amount: 700 }]);
});

test.for([
  ["step 0", { step: "0" }],
  ["a negative step", { step: "-1" }],
  ["a step of one more than there are", { step: String(STEPS_MAX + 1) }],
  ["half a step", { step: "1.5" }],
  ["a step as text", { step: '"1"' }],
  ["a step of null", { step: "null" }],
  ["a step of 1e309", { step: "1e309" }],
  ["an epoch of 2^53", { epoch: "9007199254740992" }],
  ["an epoch of 0", { epoch: "0" }],
  ["a cell that is a path", { cell: '"../cell"' }],
  ["a spare member", { admin: "true" }],
  ["__proto__ beside the arguments", { ["__proto__"]: '{"epoch":1}' }],
] as const)("%s in the message itself is a violation and leaves nothing", async ([, over]) => {
  const before = state();
  expect(verdictOf(await intend("refund:create", refundWith("amount", "1"), over as never))).toBe("violation");
  expect(state()).toEqual(before);
});

test("after all of them the kernel decides the next call", async () => {
  expect(verdictOf(await intend("email:send", JSON.stringify(good["email:send"])))).toBe("done");
  expect(Object.hasOwn(Object.prototype, "amount")).toBe(false);
});
