/** Runs a script in namespaces and on a state of its own, so that a whole appliance does not meet another test's. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

const FOLDERS = { run: "/run/silo", var: "/var/silo", shop: "/run/shop", mail: "/var/spool/smtpd" } as const;
const BINDS = Object.entries(FOLDERS).map(([from, to]) => `mkdir -p ${to} && mount --bind "$0/${from}" ${to}`);
/** smtpd(8) has a control socket of a fixed name in /run. */
const INSIDE = ['mount --bind "$0/top" /run', ...BINDS, 'exec "$@"'].join(" && ");

export type Ran = { exit: number; out: string; err: string };

/** A new state directory: its `var` and `run` are the appliance's. Whoever makes it removes it. */
export function makeState(): string {
  const state = mkdtempSync(join(tmpdir(), "silo-apart-"));
  for (const folder of ["top", ...Object.keys(FOLDERS)]) mkdirSync(join(state, folder), { mode: 0o711 });
  return state;
}

/** Starts node with `argv` on that state. Everything it starts ends with it. */
export function startApart(state: string, argv: readonly string[], stdio: StdioOptions): ChildProcess {
  const unshare = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
  return spawn("unshare", [...unshare, "sh", "-c", INSIDE, state, "node", ...argv], { stdio });
}

/** `argv` after `node`; the build root's /run and /var/silo are empty folders there. */
export async function nodeApart(...argv: string[]): Promise<Ran> {
  const state = makeState();
  const child = startApart(state, argv, ["ignore", "pipe", "pipe"]);
  const said = Promise.all([text(child.stdout as Readable), text(child.stderr as Readable), once(child, "exit")]);
  const [out, err, [exit]] = await said;
  rmSync(state, { recursive: true, force: true });
  return { exit: exit ?? -1, out, err };
}

export function freePort(): number {
  return 20_000 + Math.floor(Math.random() * 20_000);
}
