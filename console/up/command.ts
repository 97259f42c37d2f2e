/** Runs one short administrative program and returns what it printed. */
import { spawnSync } from "node:child_process";
import { LaunchError } from "./launch-error.ts";

/** Throws with the program's own words when it fails. */
export function command(program: string, ...argv: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(program, argv, { encoding: "utf8" });
  if (error !== undefined) throw new LaunchError(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new LaunchError(`${program} ${argv.join(" ")} failed: ${stderr.trim()}`);
  return stdout.trim();
}
