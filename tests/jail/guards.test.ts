/** Each guard taken away by itself: the cell must notice and must not be offered. What notices is jail/cell/probe.py. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { nspawnArguments, nspawnEnvironment, places } from "../../jail/nspawn.ts";
import { startRequest } from "./jailer.ts";
import { document, type Membrane, openMembrane } from "./membrane.ts";

const SLOT = 90;
const NOT_SEALED = 3;
const PROBE_FAILED_FIRST = 64;
const checks = [
  "is the user",
  "has no powers",
  "has no network",
  "makes no sockets",
  "makes no namespace",
  "writes in work alone",
  "sees its socket alone",
  "sees no other process",
  "inherits nothing",
  "is limited",
] as const;

let state: string;
let membrane: Membrane;

beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), "silo-guards-"));
  mkdirSync(join(state, `cells/${SLOT}`), { recursive: true });
  mkdirSync(join(state, "bundles", "0".repeat(64)), { recursive: true });
});
afterEach(() => membrane.close());
afterAll(() => rmSync(state, { recursive: true }));

type Edit = (argv: string[]) => string[];
const without =
  (...starts: string[]): Edit =>
  (argv) =>
    argv.filter((one) => !starts.some((start) => one.startsWith(start)));
const replace =
  (from: string, to: string): Edit =>
  (argv) =>
    argv.map((one) => (one.startsWith(from) ? to : one));
const withWritableBundle: Edit = (argv) =>
  argv.map((one) => (one.endsWith(":/bundle") ? "--tmpfs=/bundle:mode=0777" : one));
/** The runner without its first act. */
const unfiltered: Edit = (argv) => [
  ...argv.slice(0, argv.indexOf("/usr/lib/silo/cell/run.py")),
  "-c",
  "import sys; sys.path[:0] = ['/usr/lib/silo']; from cell.probe import first_fault; sys.exit(64 + first_fault())",
];

/** Runs a cell whose argument list and environment were edited; its exit code. */
async function exitOf(
  edit: Edit,
  environment: Record<string, string> = nspawnEnvironment,
  ...leaked: number[]
): Promise<number | null> {
  membrane = await openMembrane(state, SLOT, document());
  const at = { ...places, bundles: `${state}/bundles`, sockets: `${state}/cells` };
  const [program = "", ...argv] = edit(nspawnArguments(startRequest("0".repeat(64), { slot: SLOT }), at));
  const child = spawn(program, argv, { stdio: ["ignore", "ignore", "inherit", ...leaked], env: environment });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

test("with every guard in place the cell is offered", async () => {
  await exitOf((argv) => argv);
  expect(membrane.heard.map(({ path }) => path)).toEqual(["/v1/probe", "/v1/wait"]);
});

const { SYSTEMD_NSPAWN_TMPFS_TMP: _, ...roomyEnvironment } = nspawnEnvironment;
test.each<[string, (typeof checks)[number], Edit, Record<string, string>?]>([
  ["the throwaway user", "is the user", without("--user=")],
  ["the network of its own", "has no network", without("--private-network")],
  ["the syscall filter", "makes no sockets", unfiltered],
  ["the read-only /tmp", "writes in work alone", (argv) => argv, roomyEnvironment],
  ["the closed /dev/shm", "writes in work alone", without("--tmpfs=/dev/shm")],
  ["the read-only bundle", "writes in work alone", withWritableBundle],
  ["the bound on memory", "is limited", without("--rlimit=AS")],
  ["the bound on processes", "is limited", replace("--rlimit=NPROC", "--rlimit=NPROC=513")],
  ["the bound on descriptors", "is limited", replace("--rlimit=NOFILE", "--rlimit=NOFILE=4097")],
  ["the bound on core dumps", "is limited", replace("--rlimit=CORE", "--rlimit=CORE=1M")],
  ["the bound on files", "is limited", replace("--rlimit=FSIZE", `--rlimit=FSIZE=${1024 ** 3 + 1}`)],
])("without %s the cell is not offered: it no longer %s", async (_guard, check, edit, environment) => {
  expect(await exitOf(edit, environment)).toBe(PROBE_FAILED_FIRST + checks.indexOf(check));
  expect(membrane.heard).toEqual([]);
});

test("without no-new-privileges the cell is not offered: no filter can be put in force", async () => {
  expect(await exitOf(without("--no-new-privileges"))).toBe(NOT_SEALED);
  expect(membrane.heard).toEqual([]);
});

test("with another socket in its folder the cell is not offered", async () => {
  const other = join(state, `cells/${SLOT}/other`);
  mkdirSync(other);
  expect(await exitOf((argv) => argv)).toBe(PROBE_FAILED_FIRST + checks.indexOf("sees its socket alone"));
  rmSync(other, { recursive: true });
});

test("a descriptor that leaks into nspawn does not reach the cell", async () => {
  const leaked = openSync("/etc/passwd", "r");
  await exitOf((argv) => argv, nspawnEnvironment, leaked);
  closeSync(leaked);
  expect(membrane.heard.map(({ path }) => path)).toEqual(["/v1/probe", "/v1/wait"]);
});
