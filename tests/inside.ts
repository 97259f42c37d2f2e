/** Runs a script of the tests inside the build root, on a state directory that is thrown away. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureTrees, enterBuildRoot } from "../image/buildroot.ts";

/** Settles with the script's exit status. Ctrl-C reaches the script. */
export async function runInside(script: string, argv: readonly string[]): Promise<number> {
  await ensureTrees((line) => console.error(line));
  const state = mkdtempSync(join(tmpdir(), "silo-tests-"));
  const child = enterBuildRoot({ state, argv: ["node", script, ...argv] });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [status] = (await once(child, "exit")) as [number | null];
  rmSync(state, { recursive: true, force: true });
  return status ?? 1;
}
