/** Each guard taken away by itself: the cell must notice and must not be offered. What notices is jail/cell/probe.py. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { places } from "../../jail/inside.ts";
import type { Command } from "../../jail/isolation.ts";
import { isolations } from "../../jail/isolations.ts";
import type { Start } from "../../jail/messages.ts";
import { isolationNames, startRequest } from "./jailer.ts";
import { document, type Membrane, openMembrane } from "./membrane.ts";

type Name = Start["isolation"];
const SLOT = 90;
const BUNDLE = "0".repeat(64);
const NOT_SEALED = 3;
const PROBE_FAILED_FIRST = 64;
const checks = [
  "is held by what it was told",
  "is the user",
  "has no powers",
  "has no network",
  "makes no sockets",
  "makes no namespace",
  "writes in work alone",
  "sees its socket alone",
  "sees nothing of the machine",
  "sees no other process",
  "inherits nothing",
  "is limited",
] as const;
type Check = (typeof checks)[number];

let state: string;
let membrane: Membrane;

beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), "silo-guards-"));
  mkdirSync(join(state, `cells/${SLOT}`), { recursive: true });
  mkdirSync(join(state, "bundles", BUNDLE), { recursive: true });
});
afterEach(() => membrane.close());
afterAll(() => rmSync(state, { recursive: true }));

type Edit = (command: Command) => Command;
const asItIs: Edit = (command) => command;

/** Runs a cell whose command was edited; its exit code. */
async function exitOf(isolation: Name, edit: Edit, ...leaked: number[]): Promise<number | null> {
  membrane = await openMembrane(state, SLOT, document());
  const at = { ...places, bundles: `${state}/bundles`, sockets: `${state}/cells` };
  const request = startRequest(BUNDLE, { slot: SLOT, isolation });
  const { argv, environment, given } = edit(isolations[isolation].command(request, at));
  const [program = "", ...rest] = argv;
  const stdio = ["ignore", "ignore", "ignore", given === null ? "ignore" : "pipe", ...leaked] as const;
  const child = spawn(program, rest, { stdio: [...stdio], env: environment });
  if (child.stdio[3] instanceof Writable) child.stdio[3].end(given);
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

function heard(): string[] {
  return membrane.heard.map(({ path }) => path);
}

const unprobed = (isolation: Name) => [
  "-c",
  `import sys; sys.path[:0] = ["/usr/lib/silo"]; from cell.probe import first_fault; sys.exit(64 + first_fault("${isolation}"))`,
];
const RUNNER = "/usr/lib/silo/cell/run.py";

describe.each(isolationNames)("a cell of isolation %s", (isolation) => {
  test("with every guard in place is offered", async () => {
    await exitOf(isolation, asItIs);
    expect(heard()).toEqual(["/v1/probe", "/v1/wait"]);
  });

  test("with another socket in its folder is not offered", async () => {
    const other = join(state, `cells/${SLOT}/other`);
    mkdirSync(other);
    expect(await exitOf(isolation, asItIs)).toBe(PROBE_FAILED_FIRST + checks.indexOf("sees its socket alone"));
    rmSync(other, { recursive: true });
  });

  test("is offered where the door shows nobody what is in its folder", async () => {
    const folder = join(state, `cells/${SLOT}`);
    chmodSync(folder, 0o711);
    chownSync(folder, 1, 1);
    await exitOf(isolation, asItIs);
    expect(heard()).toEqual(["/v1/probe", "/v1/wait"]);
    chmodSync(folder, 0o755);
  });

  test("gets no descriptor that leaks into the command", async () => {
    const leaked = openSync("/etc/passwd", "r");
    await exitOf(isolation, asItIs, leaked);
    closeSync(leaked);
    expect(heard()).toEqual(["/v1/probe", "/v1/wait"]);
  });
});

async function expectNotOffered(isolation: Name, check: Check, edit: Edit): Promise<void> {
  expect(await exitOf(isolation, edit)).toBe(PROBE_FAILED_FIRST + checks.indexOf(check));
  expect(membrane.heard).toEqual([]);
}

describe("nspawn", () => {
  const edited =
    (edit: (argv: readonly string[]) => string[]): Edit =>
    (command) => ({ ...command, argv: edit(command.argv) });
  const without = (...starts: string[]) =>
    edited((argv) => argv.filter((one) => !starts.some((start) => one.startsWith(start))));
  const replace = (from: string, to: string) => edited((argv) => argv.map((one) => (one.startsWith(from) ? to : one)));
  const withWritableBundle = edited((argv) =>
    argv.map((one) => (one.endsWith(":/bundle") ? "--tmpfs=/bundle:mode=0777" : one)),
  );
  const showing = (path: string) => edited((argv) => argv.filter((one) => !one.endsWith(`:/proc/self/root${path}`)));
  /** The runner without its first act. */
  const unfiltered = edited((argv) => [...argv.slice(0, argv.indexOf(RUNNER)), ...unprobed("nspawn")]);
  const withRoomyTmp: Edit = ({ environment: { PATH = "" }, ...command }) =>
    without("--tmpfs=/tmp")({ ...command, environment: { PATH } });

  test.each<[string, Check, Edit]>([
    ["the isolation that is expected", "is held by what it was told", replace("nspawn", "gvisor")],
    ["the throwaway user", "is the user", without("--user=")],
    ["the network of its own", "has no network", without("--private-network")],
    ["the syscall filter", "makes no sockets", unfiltered],
    ["both guards of /tmp", "writes in work alone", withRoomyTmp],
    ["the closed /dev/shm", "writes in work alone", without("--tmpfs=/dev/shm")],
    ["the read-only bundle", "writes in work alone", withWritableBundle],
    ["the cover on the Linux kernel's files", "sees nothing of the machine", showing("/proc/version")],
    ["the cover on its folders", "sees nothing of the machine", showing("/proc/sys")],
    ["the cover on /sys", "sees nothing of the machine", showing("/sys")],
    ["the cover on /run/host", "sees nothing of the machine", showing("/run/host")],
    ["the bound on memory", "is limited", without("--rlimit=AS")],
    ["the bound on processes", "is limited", replace("--rlimit=NPROC", "--rlimit=NPROC=513")],
    ["the bound on descriptors", "is limited", replace("--rlimit=NOFILE", "--rlimit=NOFILE=4097")],
    ["the bound on core dumps", "is limited", replace("--rlimit=CORE", "--rlimit=CORE=1M")],
    ["the bound on files", "is limited", replace("--rlimit=FSIZE", `--rlimit=FSIZE=${1024 ** 3 + 1}`)],
  ])("without %s is not offered: it no longer %s", (_guard, check, edit) => expectNotOffered("nspawn", check, edit));

  test("without no-new-privileges is not offered: no filter can be put in force", async () => {
    expect(await exitOf("nspawn", without("--no-new-privileges"))).toBe(NOT_SEALED);
    expect(membrane.heard).toEqual([]);
  });
});

describe("gvisor", () => {
  type Config = {
    process: {
      user: object;
      args: string[];
      capabilities: Record<string, string[]>;
      rlimits: { type: string; hard: number }[];
      noNewPrivileges: boolean;
    };
    mounts: { destination: string; type?: string; options?: string[] }[];
  };
  const configured =
    (change: (config: Config) => void): Edit =>
    (command) => {
      const config = JSON.parse(command.given ?? "") as Config;
      change(config);
      return { ...command, given: JSON.stringify(config) };
    };
  const unmounted = (path: string) =>
    configured((config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== path);
    });
  const limited = (name: string, hard: number) =>
    configured(({ process }) => {
      for (const limit of process.rlimits) if (limit.type === `RLIMIT_${name}`) limit.hard = hard;
    });

  test.each<[string, Check, Edit]>([
    [
      "the isolation that is expected",
      "is held by what it was told",
      configured(({ process }) => process.args.splice(-1, 1, "nspawn")),
    ],
    ["the throwaway user", "is the user", configured(({ process }) => Object.assign(process.user, { uid: 0, gid: 0 }))],
    [
      "an empty set of capabilities",
      "has no powers",
      configured(({ process }) => process.capabilities["bounding"]?.push("CAP_CHOWN")),
    ],
    [
      "the syscall filter",
      "has no powers",
      configured(({ process }) => process.args.splice(process.args.indexOf(RUNNER), 2, ...unprobed("gvisor"))),
    ],
    [
      "the read-only /tmp",
      "writes in work alone",
      configured(({ mounts }) => {
        const tmp = mounts.find(({ destination }) => destination === "/tmp");
        Object.assign(tmp ?? {}, { type: "tmpfs", options: ["mode=1777"] });
      }),
    ],
    [
      "the read-only bundle",
      "writes in work alone",
      configured(({ mounts }) => {
        const bundle = mounts.find(({ destination }) => destination === "/bundle");
        Object.assign(bundle ?? {}, { type: "tmpfs", options: ["mode=0777"] });
      }),
    ],
    ["the cover on /sys", "sees nothing of the machine", unmounted("/sys")],
    ["the bound on memory", "is limited", limited("AS", 2 ** 40)],
    ["the bound on processes", "is limited", limited("NPROC", 513)],
    ["the bound on descriptors", "is limited", limited("NOFILE", 4097)],
    ["the bound on core dumps", "is limited", limited("CORE", 1024 ** 2)],
    ["the bound on files", "is limited", limited("FSIZE", 1024 ** 3 + 1)],
  ])("without %s is not offered: it no longer %s", (_guard, check, edit) => expectNotOffered("gvisor", check, edit));
});
