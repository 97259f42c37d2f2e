/** A door with real sockets, and the kernel, the vault and the cells standing at the other side of its edges. */
import { generateKeyPairSync, type KeyObject, webcrypto } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CryptoKey } from "jose";
import { BASE_TYP, type BaseClaims, TASK_TYP, type TaskClaims } from "../../../kernel/abi/claims.ts";
import { edges } from "../../../kernel/abi/edges.ts";
import { done } from "../../../kernel/abi/ends.ts";
import type { Json } from "../../../kernel/abi/json.ts";
import { signClaims } from "../../../kernel/abi/keys.ts";
import { doorToKernel, doorToVault, kernelToDoor, type RequestOf } from "../../../kernel/abi/messages.ts";
import { signPermit } from "../../../kernel/abi/permit.ts";
import { type Client, connect } from "../../../kernel/process/connect.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { openDoor } from "../../../proxies/door/open.ts";

export const log = openLog("test");
log.level = "silent";

export const CELL = "cell_0000000000000001";
export const OTHER_CELL = "cell_0000000000000002";
export const ISSUER = "silo-test";
const BUNDLE = "b".repeat(64);

/** A signing key of the kernel, and what the door is told of it. */
export type Signer = { kid: string; key: CryptoKey; jwk: Json };

export async function makeSigner(): Promise<Signer> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const kid = Buffer.from(String(x), "base64url").toString("base64url");
  return { kid, key: await importPrivate(privateKey), jwk: { kty, crv, x, y, kid } as Json };
}

function importPrivate(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}

/** Seconds since 1970. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

export function baseClaims(changes: Partial<BaseClaims> = {}): BaseClaims {
  return {
    ...registered("refund-agent"),
    role: "refund-agent",
    bundles: [BUNDLE],
    capabilities: { "customer:read": [], "refund:create": [], "order:list": [] },
    escalates_to: ["refund-manager"],
    subagents: [],
    ...changes,
  };
}

export function taskClaims(changes: Partial<TaskClaims> = {}): TaskClaims {
  return {
    ...registered("task_0000000000000001"),
    task: "task_0000000000000001",
    case: "case_0000000000000001",
    assignment: "asgn_0000000000000001",
    customer: "tok_00000001",
    event: "e".repeat(64),
    role: "refund-agent",
    bundle: BUNDLE,
    cell: CELL,
    epoch: 7,
    mode: "live",
    ...changes,
  };
}

function registered(sub: string) {
  const now = seconds();
  return { iss: ISSUER, aud: "silo-door", sub, jti: "0123456789abcdef", iat: now, nbf: now, exp: now + 600 } as const;
}

export type Heard = {
  intend: RequestOf<typeof doorToKernel, "intend">[];
  end: RequestOf<typeof doorToKernel, "end">[];
  finding: RequestOf<typeof doorToKernel, "finding">["finding"][];
  call: RequestOf<typeof doorToVault, "call">[];
};

export type World = {
  readonly run: string;
  readonly heard: Heard;
  /** What kernel and vault answer; a test may replace any of them. */
  readonly kernel: Handlers<typeof doorToKernel>;
  readonly vault: Handlers<typeof doorToVault>;
  readonly toDoor: Client<typeof kernelToDoor>;
  readonly signers: { base: Signer; task: Signer };
  baseKey(changes?: Partial<BaseClaims>): Promise<string>;
  taskKey(changes?: Partial<TaskClaims>): Promise<string>;
  /** Expects a cell in the slot, plays its start, and binds it: settles with both keys as headers. `base`: claims of its base key. */
  bound(slot?: number, cell?: string, base?: Partial<BaseClaims>): Promise<Record<string, string>>;
  /** Lets the door finish what is in hand, as at SIGTERM. */
  stop(): Promise<void>;
  close(): Promise<void>;
};

const permit = signPermit(
  {
    task: "task_0000000000000001",
    assignment: "asgn_0000000000000001",
    case: "case_0000000000000001",
    step: 1,
    epoch: 7,
    proxy: "database",
    capability: "order:list",
    arguments: "a".repeat(64),
    mode: "live",
    expires: 1,
  },
  Buffer.alloc(32),
);

export async function openWorld(): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), "silo-door-"));
  const run = join(root, "run");
  for (const { from, to } of edges) mkdirSync(join(run, to, from), { recursive: true });
  for (const slot of [0, 1, 2, 3]) mkdirSync(join(run, "cells", String(slot)), { recursive: true, mode: 0o711 });
  cpSync("config", join(root, "etc"), { recursive: true });
  const heard: Heard = { intend: [], end: [], finding: [], call: [] };
  const kernel: Handlers<typeof doorToKernel> = {
    intend: () => done({ permit, replay: null, stand_in: false }),
    end: () => done({}),
    finding: () => done({}),
  };
  const vault: Handlers<typeof doorToVault> = { call: () => done({ value: [{ order: "O1" }] }) };
  const at = { run, log };
  const kernelServer = await listen(
    { from: "door", to: "kernel" },
    doorToKernel,
    {
      intend(body, peer) {
        heard.intend.push(body);
        return kernel.intend(body, peer);
      },
      end(body, peer) {
        heard.end.push(body);
        return kernel.end(body, peer);
      },
      finding(body, peer) {
        heard.finding.push(body.finding);
        return kernel.finding(body, peer);
      },
    },
    at,
  );
  const vaultServer = await listen(
    { from: "door", to: "vault" },
    doorToVault,
    {
      call(body, peer) {
        heard.call.push(body);
        return vault.call(body, peer);
      },
    },
    at,
  );
  const door = await openDoor({ etc: join(root, "etc"), var: join(root, "var"), run, credentials: root }, log);
  const connected = Promise.withResolvers<void>();
  const toDoor = connect({ from: "kernel", to: "door" }, kernelToDoor, { ...at, onConnect: connected.resolve });
  await connected.promise;
  const signers = { base: await makeSigner(), task: await makeSigner() };
  await toDoor.request("keys", { issuer: ISSUER, base: [signers.base.jwk], task: [signers.task.jwk] });

  let stopped: Promise<void> | undefined;
  const world: World = {
    run,
    heard,
    kernel,
    vault,
    toDoor,
    signers,
    baseKey: (changes) => signClaims(BASE_TYP, signers.base.kid, baseClaims(changes), signers.base.key),
    taskKey: (changes) => signClaims(TASK_TYP, signers.task.kid, taskClaims(changes), signers.task.key),
    async bound(slot = 0, cell = CELL, base = {}) {
      const expected = toDoor.request("expect", { slot, cell });
      const waited = startCell(run, slot);
      await Promise.race([waited, expected]);
      const [base_key, task_key] = await Promise.all([world.baseKey(base), world.taskKey({ cell })]);
      await toDoor.request("bind", bindBody(slot, cell, base_key, task_key));
      await waited;
      return { Authorization: `Bearer ${base_key}`, "Silo-Task-Key": task_key };
    },
    stop() {
      stopped ??= door.stop();
      return stopped;
    },
    async close() {
      toDoor.close();
      await world.stop();
      kernelServer.close();
      vaultServer.close();
      rmSync(root, { recursive: true });
    },
  };
  return world;
}

export function bindBody(
  slot: number,
  cell: string,
  base_key: string,
  task_key: string,
): RequestOf<typeof kernelToDoor, "bind"> {
  const { task, assignment, epoch, role, customer, mode, case: of } = taskClaims();
  const document = {
    task,
    case: of,
    kind: "refund",
    role,
    customer,
    fields: {},
    text: "Hello, [NAME_1] here.",
    mode,
    now: 1,
    first_step: 1,
    history: [],
    click: null,
  };
  return { slot, cell, assignment, epoch, document, base_key, task_key };
}

/** What the runner in a cell does: probe, then wait for the task. */
async function startCell(run: string, slot: number): Promise<Reply> {
  const probed = await untilReachable(() => ask(run, slot, "GET", "/v1/probe"));
  if (probed.status !== 200) throw new Error(`The probe was answered ${probed.status}.`);
  return ask(run, slot, "POST", "/v1/wait", {});
}

async function untilReachable(attempt: () => Promise<Reply>): Promise<Reply> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

export type Reply = { status: number; body: Record<string, unknown> };

export function membrane(run: string, slot: number): string {
  return `${run}/cells/${slot}/membrane`;
}

/** One request of a well-behaved cell. */
export function ask(
  run: string,
  slot: number,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: membrane(run, slot), method, path, headers, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    sent.on("error", reject);
    if (body === undefined) return void sent.end();
    const text = typeof body === "string" ? body : JSON.stringify(body);
    sent.setHeader("Content-Length", Buffer.byteLength(text));
    sent.end(text);
  });
}

/** A cell that writes bytes as it likes. `heard` is everything it got until the other side hung up or `forMs` were over. */
export async function raw(path: string, chunks: readonly (string | Buffer)[], forMs = 300): Promise<string> {
  const socket = createConnection(path);
  let heard = "";
  socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  for (const chunk of chunks) socket.write(chunk);
  await Promise.race([once(socket, "close"), new Promise((resolve) => setTimeout(resolve, forMs))]);
  const isClosed = socket.closed;
  socket.destroy();
  return isClosed ? `${heard}<closed>` : heard;
}
