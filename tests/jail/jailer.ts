/** A real jailer for tests: jail/main.ts in mount and pid namespaces of its own, so that several run at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Start } from "../../jail/messages.ts";
import { processesIn, slotUids } from "../../jail/processes.ts";
import { newId } from "../../kernel/abi/ids.ts";
import { type Exit, kernelToJailer, type Resources } from "../../kernel/abi/messages.ts";
import { type Client, connect } from "../../kernel/process/connect.ts";
import { openLog } from "../../kernel/process/log.ts";

const INSIDE = 'mount --bind "$1/run" /run/silo && mount --bind "$1/var" /var/silo && exec node jail/main.ts';

export const isolationNames = ["gvisor", "nspawn"] as const;

export const resources: Resources = { memory_mib: 128, work_mib: 16, processes: 32, files: 128, output_kib: 64 };

export type TestJailer = {
  state: string;
  client: Client<typeof kernelToJailer>;
  log(): Record<string, unknown>[];
  child: ChildProcess;
  stop(): Promise<void>;
};

/** Starts one with an empty state below /tmp; `slots` of it have socket folders. */
export async function startJailer(slots = 4): Promise<TestJailer> {
  const state = mkdtempSync(join(tmpdir(), "silo-jail-"));
  chmodSync(state, 0o711);
  mkdirSync(join(state, "run/jailer/kernel"), { recursive: true });
  mkdirSync(join(state, "var/bundles"), { recursive: true });
  for (let slot = 0; slot < slots; slot++) mkdirSync(join(state, `run/cells/${slot}`), { recursive: true });
  const { child, log } = await launch(state);
  const client = await connectKernel(state);
  return {
    state,
    client,
    child,
    log,
    async stop() {
      client.close();
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** The process alone, on a state that is there. */
export async function launch(state: string): Promise<{ child: ChildProcess; log(): Record<string, unknown>[] }> {
  const argv = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-c", INSIDE, "sh", state];
  const child = spawn("/usr/bin/unshare", argv, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  const log = () =>
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`The jailer ended: ${text}`)));
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (log().some(({ msg }) => String(msg).startsWith("ready"))) resolve();
    });
  });
  return { child, log };
}

/** A kernel's connection to it. */
export function connectKernel(state: string): Promise<Client<typeof kernelToJailer>> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const options = { run: join(state, "run"), log: openLog("test"), onConnect: resolve };
  const client = connect({ from: "kernel", to: "jailer" }, kernelToJailer, options);
  return promise.then(() => client);
}

/** Puts a bundle of `files` (name -> text) where approved ones are; returns its name there. */
export function putBundle(state: string, files: Record<string, string>): string {
  const digest = createHash("sha256").update(JSON.stringify(files)).digest("hex");
  const folder = join(state, "var/bundles", digest);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return digest;
}

export function startRequest(bundle: string, over: Partial<Start> = {}): Start {
  const cell = newId("cell", randomBytes);
  return { slot: 0, cell, isolation: "nspawn", bundle, deadline_ms: 20_000, resources, ...over };
}

/** Starts a cell and waits for its end. */
export async function runCell(jailer: TestJailer, request: Start): Promise<Exit> {
  const end = await jailer.client.request("start", request);
  if (end.end !== "done") throw new Error(`start ended ${end.end}`);
  return end.value.exit;
}

/** Asks it to stop, as its unit or the launcher does. */
export async function terminate(jailer: TestJailer): Promise<number | null> {
  const exit = once(jailer.child, "exit") as Promise<[number | null]>;
  for (const pid of childrenOf(jailer.child.pid as number)) process.kill(pid, "SIGTERM");
  return (await exit)[0];
}

/** Host processes of the slot's users that descend from this jailer's namespace; other tests' cells share the numbers. */
export function processesOf(jailer: TestJailer, slot: number): number[] {
  const namespace = pidNamespaceChain(jailer.child.pid as number);
  return processesIn(slotUids(slot)).filter((pid) => namespace.has(pid));
}

function pidNamespaceChain(root: number): Set<number> {
  const found = new Set([root]);
  for (const pid of found) {
    for (const child of childrenOf(pid)) found.add(child);
  }
  return found;
}

/** Of all its threads: a child belongs to the one that made it. */
function childrenOf(pid: number): number[] {
  try {
    const lists = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"),
    );
    return lists.join(" ").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** `/proc/PID/status` as fields. */
export function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t") as [string, string]));
}
