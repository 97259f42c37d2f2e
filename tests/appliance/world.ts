/** A whole appliance for tests: the trial's own world, apart from every other, with more frontends, kinds and agents. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { type Ask, readSecret, withKernel } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import { freePort, makeState, startApart } from "../console/apart.ts";

const PRODUCT = fileURLToPath(new URL("../..", import.meta.url));
const AGENTS = fileURLToPath(new URL("agents", import.meta.url));
/** Agents that do as they should, beside those of `agents/`. */
const SOUND = ["hello", "refund-agent"] as const;

export const attempts = { max: 3, backoff_ms: 200, backoff_ms_max: 10_000 };
/** Agents that do not do as they should: a kind and a role each. */
export const unsound = readdirSync(AGENTS);

const frontends = {
  shop: { kinds: ["refund", "hello", ...unsound] },
  bank: { kinds: ["hello"] },
  clinic: { kinds: ["hello"] },
};
export type FrontendName = keyof typeof frontends;

export type TestAppliance = {
  places: Places;
  port: number;
  /** The API key of a frontend. */
  key(frontend: FrontendName): string;
  /** As its administrator, who stays signed in. */
  ask: Ask;
  /** Its own /proc. */
  proc: string;
  /** What is mounted where, as it sees it. */
  mounts(): string[];
  stop(): Promise<void>;
};

/** Starts one. Its processes serve; no agent is approved. `inside` is what starts it there, with `argv` after the port. */
export async function startTestAppliance(
  inside = "tests/appliance/world-inside.ts",
  argv: readonly string[] = [],
): Promise<TestAppliance> {
  const state = makeState();
  const places: Places = { name: state, etc: `${PRODUCT}/config`, var: `${state}/var`, run: `${state}/run` };
  configure(places);
  for (const role of SOUND) cpSync(`${PRODUCT}/agents/${role}`, `${places.var}/agents/${role}`, { recursive: true });
  for (const role of unsound) cpSync(`${AGENTS}/${role}`, `${places.var}/agents/${role}`, { recursive: true });
  const port = freePort();
  const child = startApart(state, [inside, String(port), ...argv], ["pipe", "pipe", "inherit"]);
  await ready(child);
  const proc = `/proc/${firstProcess(child)}`;
  const { ask, signOut } = await signIn(places);
  return {
    places,
    port,
    key: (frontend) => readSecret(places, "frontends", frontend),
    ask,
    proc: `${proc}/root/proc`,
    mounts: () => readFileSync(`${proc}/mounts`, "utf8").split("\n"),
    async stop() {
      await signOut();
      child.stdin?.end();
      if (child.exitCode === null) await once(child, "exit");
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** Writes what an administrator of this appliance has set: the defaults, with what these tests need. */
function configure({ etc, var: state }: Places): void {
  const read = (name: string): unknown => parse(readFileSync(`${etc}/${name}`, "utf8"));
  const write = (name: string, value: object) => writeFileSync(`${state}/config/${name}`, stringify(value));
  mkdirSync(`${state}/config`);
  const silo = read("silo.yaml") as Settings;
  const optional = Object.fromEntries(unsound.map((kind) => [kind, { customer: "optional" }]));
  // No cell waits for work, so that none is what has to be left of the others.
  const pool = { ...silo.pool, cells_max: 0 };
  write("silo.yaml", { ...silo, attempts, pool, frontends, kinds: { ...silo.kinds, ...optional } });
  const begin = unsound.map((role) => ({ on: "TaskCreated", kind: role, to: role }));
  const late = { on: "TimedOut", from: "sleeper", to: "refund-manager" };
  write("transitions.yaml", [late, ...begin, ...(read("transitions.yaml") as object[])]);
}

async function signIn(places: Places): Promise<{ ask: Ask; signOut: () => Promise<void> }> {
  const signedIn = Promise.withResolvers<Ask>();
  const leaving = Promise.withResolvers<void>();
  const over = withKernel(places, "admin", (ask) => {
    signedIn.resolve(ask);
    return leaving.promise;
  });
  over.catch(signedIn.reject);
  function signOut(): Promise<void> {
    leaving.resolve();
    return over;
  }
  return { ask: await signedIn.promise, signOut };
}

async function ready(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit").then(() => Promise.reject(new Error("The appliance did not start.")));
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), ended]);
}

/** The process that unshare(1) started: it is in the namespaces, unshare is not. */
function firstProcess({ pid }: ChildProcess): string {
  const first = readdirSync("/proc").find((name) => /^\d+$/.test(name) && statusOf(name).includes(`\nPPid:\t${pid}\n`));
  if (first === undefined) throw new Error("The appliance has no process.");
  return first;
}

function statusOf(process: string): string {
  try {
    return readFileSync(`/proc/${process}/status`, "utf8");
  } catch {
    return ""; // it ended between the listing and the reading
  }
}

/** One `silo` command, as a process. */
export async function silo(
  { places }: TestAppliance,
  ...argv: string[]
): Promise<{ exit: number; out: string; err: string }> {
  const command = ["console/cli/main.ts", "--state", places.name, ...argv];
  const child = spawn(process.execPath, command, { cwd: PRODUCT, stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  const [exit] = (await once(child, "close")) as [number];
  return { exit, ...said };
}
