/** Ingress with real sockets, and the vault, the kernel and the frontends standing at the other side of its edges. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { stringify } from "yaml";
import { edges } from "../../../kernel/abi/edges.ts";
import { done } from "../../../kernel/abi/ends.ts";
import { ingressToKernel, ingressToVault, type RequestOf, vaultToIngress } from "../../../kernel/abi/messages.ts";
import { type Client, connect } from "../../../kernel/process/connect.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import type { Answer } from "../../../proxies/ingress/answers.ts";
import { openIngress } from "../../../proxies/ingress/open.ts";

const log = openLog("test");
log.level = "silent";

export const KEYS = { shop: "shop-key", bank: "bank-key" } as const;
export const TASK = "task_0000000000000001";
export const CASE = "case_0000000000000001";

export type World = {
  readonly port: number;
  readonly url: string;
  /** What kernel and vault answer; a test may replace any of them. */
  readonly kernel: Handlers<typeof ingressToKernel>;
  readonly vault: Handlers<typeof ingressToVault>;
  readonly submitted: RequestOf<typeof ingressToVault, "submit">[];
  readonly asked: RequestOf<typeof ingressToKernel, "state">[];
  readonly toIngress: Client<typeof vaultToIngress>;
  /** What ingress logs as warnings. */
  readonly warnings: string[];
  /** Lets ingress finish what is in hand, as at SIGTERM. */
  stop(): Promise<void>;
  close(): Promise<void>;
};

export function ended(changes: object = {}) {
  return {
    task: TASK,
    case: CASE,
    kind: "refund",
    state: "ended",
    role: null,
    event: "Completed",
    created: 1,
    updated: 2,
    ...changes,
  } as const;
}

export function answerOf(changes: Partial<Answer> = {}): Answer {
  return {
    delivery: "dlvr_0000000000000001",
    frontend: "shop",
    task: TASK,
    case: CASE,
    kind: "refund",
    event: "Completed",
    text: "Dear Maria Müller, …",
    fields: { refund: "R1" },
    ...changes,
  };
}

export async function openWorld(credentials: Record<string, string | Buffer> = {}): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), "silo-ingress-"));
  const run = join(root, "run");
  for (const { from, to } of edges) mkdirSync(join(run, to, from), { recursive: true });
  const port = await freePort();
  cpSync("config", join(root, "etc"), { recursive: true });
  writeFileSync(join(root, "etc/silo.yaml"), settings(port));
  mkdirSync(join(root, "credentials"));
  const digests = Object.entries(KEYS).map(([name, key]) => [name, createHash("sha256").update(key).digest("hex")]);
  const given = { "frontends.json": JSON.stringify(Object.fromEntries(digests)), ...credentials };
  for (const [name, bytes] of Object.entries(given)) writeFileSync(join(root, "credentials", name), bytes);

  const submitted: World["submitted"] = [];
  const asked: World["asked"] = [];
  const kernel: Handlers<typeof ingressToKernel> = { state: () => done(ended({ state: "ready", event: null })) };
  const vault: Handlers<typeof ingressToVault> = { submit: () => done({ task: TASK, case: CASE, duplicate: false }) };
  const at = { run, log };
  const servers = [
    await listen(
      { from: "ingress", to: "kernel" },
      ingressToKernel,
      {
        state(body, peer) {
          asked.push(body);
          return kernel.state(body, peer);
        },
      },
      at,
    ),
    await listen(
      { from: "ingress", to: "vault" },
      ingressToVault,
      {
        submit(body, peer) {
          submitted.push(body);
          return vault.submit(body, peer);
        },
      },
      at,
    ),
  ];
  const warnings: string[] = [];
  const own = pino({ name: "ingress" }, { write: (line: string) => void warnings.push(line) });
  const dirs = { etc: join(root, "etc"), var: join(root, "var"), run, credentials: join(root, "credentials") };
  const ingress = await openIngress(dirs, own);
  const connected = Promise.withResolvers<void>();
  const toIngress = connect({ from: "vault", to: "ingress" }, vaultToIngress, { ...at, onConnect: connected.resolve });
  await connected.promise;
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= ingress.stop();
    return stopped;
  };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    kernel,
    vault,
    submitted,
    asked,
    toIngress,
    warnings,
    stop,
    async close() {
      toIngress.close();
      await stop();
      for (const server of servers) server.close();
      rmSync(root, { recursive: true });
    },
  };
}

function settings(port: number): string {
  return stringify({
    time_zone: "UTC",
    slots: 1,
    cells: { weakest_isolation: "nspawn" },
    attempts: { max: 1, backoff_ms: 1, backoff_ms_max: 1 },
    http: { host: "127.0.0.1", port },
    kinds: { refund: { customer: "required" }, hello: { customer: "optional" } },
    frontends: { shop: { kinds: ["refund", "hello"] }, bank: { kinds: ["hello"] } },
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

export type Reply = { status: number; body: Record<string, unknown>; headers: Headers };

/** One request of a well-behaved frontend. */
export async function ask(
  world: World,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${world.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${KEYS.shop}`, Connection: "close", ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: response.status, body: (await response.json()) as Reply["body"], headers: response.headers };
}
