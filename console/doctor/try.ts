/** Runs a program for a probe and says how that went; a program that is not there is an answer too. */
import { spawnSync } from "node:child_process";

const TRY_MS_MAX = 90_000;

export type Tried = { ok: boolean; out: string; why: string };

export function tryProgram(argv: readonly [string, ...string[]], input = ""): Tried {
  const [program, ...rest] = argv;
  const { error, status, signal, stdout, stderr } = spawnSync(program, rest, {
    input,
    encoding: "utf8",
    timeout: TRY_MS_MAX,
  });
  if (error !== undefined) return { ok: false, out: "", why: error.message };
  const why = stderr.trim().split("\n").at(-1) || `it ended with ${signal ?? `status ${status}`}`;
  return { ok: status === 0, out: stdout.trim(), why };
}
