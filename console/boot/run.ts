/** Runs one program of the system for a step of a boot. */
import { spawnSync } from "node:child_process";
import { LaunchError } from "../up/launch-error.ts";

const OUTPUT_BYTES_MAX = 1024 * 1024;
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Returns what it printed. Throws `LaunchError` with the program's own words when it fails. */
export function run(
  [program, ...argv]: [string, ...string[]],
  env: Record<string, string> = {},
  input?: Uint8Array,
): Buffer {
  const ran = spawnSync(program, argv, { input, env: { PATH, ...env }, maxBuffer: OUTPUT_BYTES_MAX });
  if (ran.error !== undefined) throw new LaunchError(`${program} could not be started: ${ran.error.message}`);
  if (ran.status !== 0) throw new LaunchError(`${program} ${argv[0]}: ${ran.stderr.toString().trim()}`);
  return ran.stdout;
}
