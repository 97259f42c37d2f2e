/** A kernel's decisions on a real store in a folder of its own: the clock stands until a test moves it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileArguments } from "../../kernel/abi/arguments.ts";
import type { Told } from "../../kernel/abi/entry.ts";
import type { Capabilities } from "../../kernel/abi/grant.ts";
import { newId, randomText } from "../../kernel/abi/ids.ts";
import type { Json } from "../../kernel/abi/json.ts";
import { readOperations } from "../../kernel/abi/operations-file.ts";
import { type EffectEnd, proveEnd } from "../../kernel/abi/proof.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import { type Cell, madeFor, newCell } from "../../kernel/cell.ts";
import { type Claimed, claim } from "../../kernel/claim.ts";
import { groupCommit } from "../../kernel/commit.ts";
import { assigned, type Core } from "../../kernel/core.ts";
import { daysIn } from "../../kernel/day.ts";
import type { Answer } from "../../kernel/decide.ts";
import { type Intended, intend } from "../../kernel/intend.ts";
import { type Mint, openMint } from "../../kernel/mint.ts";
import { outcome } from "../../kernel/outcome.ts";
import type { Keystore } from "../../kernel/process/keystore.ts";
import type { Click, Ending } from "../../kernel/records.ts";
import type { ActiveRole } from "../../kernel/roles.ts";
import { readTransitions } from "../../kernel/route.ts";
import { settle } from "../../kernel/settle.ts";
import { openSigningKeys, type SigningKeys } from "../../kernel/signers.ts";
import { openStore, type Store } from "../../kernel/store.ts";
import { submit } from "../../kernel/submit.ts";

export const NOON = Date.UTC(2026, 10, 22, 12);
export const BUNDLE = "b".repeat(64);
const NAMED = "c".repeat(64);
/** What a kernel says of itself when it starts. */
export const LIFE: Told<"start"> = {
  version: "0.1.0",
  machine: "trial",
  lowered: 0,
  config: { settings: NAMED, transitions: NAMED, people: NAMED, operations: NAMED },
  keys: ["base", "task"],
};
const dirs = { etc: "config", var: "/nonexistent" };

export const agentGrant: Capabilities = {
  "customer:read": [],
  "order:read": [],
  "order:list": [],
  "refund:create": [
    { measure: "amount", scope: "call", unit: "USD", max: 50_000 },
    { measure: "amount", scope: "customer_day", unit: "USD", max: 50_000 },
  ],
  "email:send": [{ measure: "calls", scope: "task", unit: null, max: 3 }],
};

export const managerGrant: Capabilities = {
  "customer:read": [],
  "refund:create": [{ measure: "amount", scope: "call", unit: "USD", max: 500_000 }],
};

export function role(name: string, over: Partial<ActiveRole> = {}): ActiveRole {
  return {
    role: name,
    human: false,
    bundle: BUNDLE,
    grant: agentGrant,
    isolation: "nspawn",
    deadline_ms: 120_000,
    resources: { memory_mib: 128, work_mib: 16, processes: 32, files: 128, output_kib: 64 },
    escalates_to: ["refund-manager"],
    subagents: [],
    online: true,
    approved_by: "admin",
    approved_at: NOON,
    ...over,
  };
}

export type World = {
  core: Core;
  store: Store;
  signing: SigningKeys;
  mint: Mint;
  clock: { now: number };
  /** Roles as the approvals of this test left them; change them at will. */
  roles: Map<string, ActiveRole>;
  close(): Promise<void>;
};

export async function openWorld(folder = mkdtempSync(join(tmpdir(), "silo-kernel-"))): Promise<World> {
  const store = openStore(folder);
  const clock = { now: NOON };
  const roles = new Map<string, ActiveRole>([
    ["refund-agent", role("refund-agent")],
    ["hello", role("hello", { escalates_to: [] })],
    ["refund-manager", role("refund-manager", { human: true, grant: managerGrant, escalates_to: [] })],
  ]);
  const operations = readOperations(dirs);
  const signing = await openSigningKeys(memoryKeystore(), clock.now);
  const settings = readSettings(dirs);
  const core: Core = {
    store,
    ...groupCommit(store),
    stopped: () => null,
    operations,
    checks: new Map([...operations].map(([name, operation]) => [name, compileArguments(operation)])),
    map: readTransitions(dirs),
    roles: {
      active: (name) => roles.get(name) ?? null,
      online: (name) => roles.get(name)?.online ?? false,
      human: (name) => roles.get(name)?.human ?? false,
    },
    settings,
    day: daysIn(settings.time_zone),
    now: () => clock.now,
    random: randomBytes,
    permitKeys: new Map(["database", "email", "sms", "kv"].map((proxy) => [proxy, permitKey(proxy)])),
    incarnation: randomText(16, randomBytes),
  };
  const mint = openMint({ keys: signing, issuer: "silo-test", random: randomBytes });
  approve(store, roles);
  return {
    core,
    store,
    signing,
    mint,
    clock,
    roles,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The store's own list of roles, which says whose tasks may be picked. */
function approve(store: Store, roles: ReadonlyMap<string, ActiveRole>): void {
  store.transaction(() => {
    for (const { bundle, ...record } of roles.values())
      store.roles.put(record.role, { ...record, approved: bundle, tools: record.role });
  });
}

/** The keystore's own guards are tested with it; here one that holds secrets as it does. */
export function memoryKeystore(secrets = new Map<string, Uint8Array>()): Keystore {
  return {
    appliance: "0123456789abcdef",
    secret(name: string, create: () => Uint8Array) {
      const secret = secrets.get(name) ?? create();
      secrets.set(name, secret);
      return secret;
    },
    replace: (name: string, secret: Uint8Array) => void secrets.set(name, secret),
  };
}

export function permitKey(proxy: string): Uint8Array {
  return Buffer.alloc(32, proxy);
}

/** Decides at once, in a transaction of its own. */
export function now<T>({ store }: Pick<World, "store">, decide: () => T): T {
  return store.transaction(decide);
}

let submissions = 0;

/** A new task of a new case; returns its id. */
export function submitTask(world: World, over: Partial<Parameters<typeof submit>[1]> = {}): string {
  const end = now(world, () => submit(world.core, submission(over)));
  if (end.end !== "done") throw new Error(JSON.stringify(end));
  return end.value.task;
}

export function submission(over: Partial<Parameters<typeof submit>[1]> = {}): Parameters<typeof submit>[1] {
  submissions++;
  return {
    frontend: "shop",
    idempotency: `order-${submissions}`,
    request: submissions.toString(16).padStart(64, "0"),
    kind: "refund",
    case: newId("case", randomBytes),
    opens: true,
    customer: "tok_00000001",
    subject: "5".repeat(64),
    fields: { order: "O1234" },
    text: "I want my money back, [NAME_1]",
    sealed: ["c2VhbGVk"],
    ...over,
  };
}

let slots = 0;

/** A cell that came up and waits, made for this role. */
export function waitingCell(over: Partial<ActiveRole> = {}): Cell {
  const made = madeFor(role("refund-agent", over));
  return newCell({ cell: newId("cell", randomBytes), slot: slots++ % 90, made, began: NOON });
}

/** Leases a ready task to a new cell. */
export function lease(world: World, task: string, click: Click | null = null): Claimed {
  const waiting = waitingCell(world.roles.get(assigned(world.store, task).assignment.role));
  const claimed = now(world, () => claim(world.core, world.mint, task, waiting, click));
  if (claimed === null) throw new Error(`The task ${task} cannot be claimed.`);
  return claimed;
}

export function call(
  world: World,
  { lease }: Claimed,
  step: number,
  capability: string,
  given: Record<string, Json> = {},
) {
  const { cell, assignment, epoch } = lease;
  return now(world, () => intend(world.core, { cell, assignment, epoch, step, capability, arguments: given }));
}

/** What the proxy of this call says of its end, under the epoch of its latest permit; null where there is no such call. */
export function proofOf({ store }: World, task: string, step: number, end: EffectEnd): string | null {
  const { case: matter, assignment } = assigned(store, task).task;
  const entry = store.journal.get([assignment, step]);
  if (entry === undefined) return null;
  const { epoch, proxy, capability, digest } = entry;
  const call = { task, assignment, case: matter, step, epoch, proxy, capability, arguments: digest };
  return proveEnd(call, end, permitKey(proxy));
}

/** What the vault answers when a task's open effect has been decided. */
export function settled(world: World, task: string, step: number, end: EffectEnd): Answer {
  return { decided: end, value: null, table: null, proof: proofOf(world, task, step, end) };
}

/** Reports what a permitted call came to, with its proxy's proof. */
export function report(
  world: World,
  claimed: Claimed,
  step: number,
  over: Partial<Parameters<typeof outcome>[1]> = {},
) {
  const { assignment, epoch } = claimed.lease;
  const body = { task: claimed.document.task, assignment, step, epoch, code: null, message: null, table: null };
  const value = { end: "done" as const, value: "dmFsdWU", tokens: [], fields: [] };
  const proof = proofOf(world, body.task, step, over.end === "refused" ? "void" : "happened");
  return now(world, () => outcome(world.core, { ...body, ...value, proof, ...over }));
}

export function end(
  world: World,
  task: string,
  ending: Ending = { how: "complete", text: "Dear [NAME_1]", fields: {} },
) {
  now(world, () => settle(world.core, task, ending));
}

export const refund = (amount: number) => ({ order: "O1234", amount, currency: "USD", reason: "broken" });

/** The code of a refusal, or how it ended instead. */
export function codeOf(given: { end: string; code?: string } | Intended): string {
  return "end" in given ? (given.code ?? given.end) : "intended";
}

/** Verbs of the log in order, with their codes. */
export function logged({ store }: World, task?: string): string[] {
  return store.audit
    .all()
    .map(({ value }) => JSON.parse(value.entry) as { verb: string; code?: string; task?: string })
    .filter((entry) => task === undefined || entry.task === task)
    .map(({ verb, code }) => (code === undefined ? verb : `${verb} ${code}`));
}
