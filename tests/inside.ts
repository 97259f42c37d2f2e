/** Runs a script of the tests inside the build root, on a state directory that is thrown away. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entry, ensureTrees, enterBuildRoot } from "../image/buildroot.ts";

type Options = {
  binds?: NonNullable<Entry["binds"]>;
  /** After this exit status the state is kept, and stderr says where. */
  keptAfter?: number;
  /** A command, with its arguments, that the script is to run within. */
  within?: readonly string[];
};

/** Settles with the script's exit status. Ctrl-C reaches the script. */
export async function runInside(script: string, argv: readonly string[], options: Options = {}): Promise<number> {
  await ensureTrees((line) => console.error(line));
  const state = mkdtempSync(join(tmpdir(), "silo-tests-"));
  const command = [...(options.within ?? []), "node", script, ...argv] as [string, ...string[]];
  const child = enterBuildRoot({ state, binds: options.binds ?? [], argv: command });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [status] = (await once(child, "exit")) as [number | null];
  if (status !== null && status === options.keptAfter) console.error(`The state is kept in ${state}.`);
  else rmSync(state, { recursive: true, force: true });
  return status ?? 1;
}
