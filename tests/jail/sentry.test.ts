/**
 * An agent that has taken over all of gVisor: the program below runs in runsc's place, with all that runsc has. Each link of the chain is
 * then taken away, and what it kept from the program is there.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gvisor } from "../../jail/gvisor.ts";
import { places } from "../../jail/inside.ts";
import { slotUids } from "../../jail/processes.ts";
import { startRequest } from "./jailer.ts";

const SLOT = 91;
const BUNDLE = "0".repeat(64);
const INTRUDER = readFileSync(join(import.meta.dirname, "intruder.py"), "utf8");

let state: string;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), "silo-sentry-"));
  for (const folder of [`cells/${SLOT}`, `bundles/${BUNDLE}`, "bundles/other"])
    mkdirSync(join(state, folder), { recursive: true });
  chmodSync(state, 0o755);
});
afterAll(() => rmSync(state, { recursive: true }));

/** What the program finds when the chain's command line was edited. */
function found(edit: (argv: string[]) => string[] = (argv) => argv): Record<string, unknown> {
  const at = { ...places, bundles: `${state}/bundles`, sockets: `${state}/cells` };
  const { argv, environment } = gvisor.command(startRequest(BUNDLE, { slot: SLOT, isolation: "gvisor" }), at);
  const chain = edit(argv.slice(0, argv.indexOf("/runsc", argv.lastIndexOf("--"))));
  const [program = "", ...rest] = [...chain, "/usr/bin/python3", "-S", "-c", INTRUDER, state, String(process.pid)];
  const given = join(state, "given");
  writeFileSync(given, "{}");
  const shell = ["-c", 'exec 3<"$0"; exec "$@"', given, program, ...rest];
  const { stdout, stderr } = spawnSync("/bin/sh", shell, { encoding: "utf8", env: environment });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}
const without = (option: string) => (argv: string[]) => argv.filter((one) => one !== option);

test("it is a user of the slot, finds no network, no process but the chain's, and no file but the tree's and this cell's", () => {
  expect(found()).toEqual({
    user: slotUids(SLOT).first,
    interfaces: ["lo"],
    processes: 2,
    host_state: "ENOENT",
    other_bundle: "ENOENT",
    mount: "EPERM",
    kill_host: "ESRCH",
    files: ["bundle", "cell", "dev", "lib", "lib64", "oci", "proc", "run-silo", "runsc", "state", "tmp", "unshare"]
      .concat(["usr", "usr-lib-silo-cell", "usr-lib-silo-sdk"])
      .sort(),
    writable: [],
  });
});

/** Without one link, from its program to the `--` that ends it. */
const unlinked = (program: string) => (argv: string[]) => {
  const from = argv.lastIndexOf(program);
  return argv.toSpliced(from, argv.indexOf("--", from) - from + 1);
};

/** bubblewrap takes a folder of the host in place of an empty one. */
const withHostTmp = (argv: string[]) => argv.toSpliced(argv.indexOf("--dir"), 2, "--bind", "/tmp", "/tmp");

test.each<[string, (argv: string[]) => string[], () => object]>([
  ["the users of the slot", unlinked("/unshare"), () => ({ user: 0, mount: "ENOENT" })],
  ["the network of its own", without("--net"), () => ({ interfaces: ownInterfaces() })],
  ["the processes of its own", without("--pid"), () => ({ kill_host: "EPERM" })],
  ["files of its own", withHostTmp, () => ({ host_state: "done", other_bundle: "done" })],
])("without %s it finds more", (_, edit, more) => expect(found(edit)).toMatchObject(more()));

function ownInterfaces(): string[] {
  return [...readFileSync("/proc/net/dev", "utf8").matchAll(/^ *(\S+):/gm)].map(([, name]) => name as string);
}
