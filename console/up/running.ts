/** What a launcher's main has in common: the wait for a stop, the end of a failed start, and happenings in words. */
import { ConfigError } from "../../kernel/process/config.ts";
import { exits } from "../cli/exits.ts";
import { OutsideError } from "../trial/daemon.ts";
import { LaunchError } from "./launch-error.ts";
import type { Happening } from "./supervise.ts";

/** Runs `work` and returns the exit status. `stopped` settles at the first SIGINT, SIGTERM or SIGHUP. */
export async function launch(work: (stopped: Promise<void>) => Promise<number>): Promise<number> {
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  try {
    return await work(stopped);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    console.error(`silo: ${error.message}`);
    return error instanceof ConfigError ? exits.refused : exits.later;
  }
}

function isForPeople(error: unknown): error is Error {
  return error instanceof LaunchError || error instanceof OutsideError || error instanceof ConfigError;
}

export function describe(happening: Happening): string {
  const { process: name } = happening;
  if (happening.what === "ready") return `${name} serves after ${happening.millis} ms ${happening.status}`.trimEnd();
  return `${name} ended (${happening.ended}) and is started again in ${happening.again_in_ms} ms`;
}
