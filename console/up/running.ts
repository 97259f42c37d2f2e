/** What a launcher's main has in common: the wait for a stop, and happenings in words. */
import type { Happening } from "./supervise.ts";

/** Settles at the first SIGINT, SIGTERM or SIGHUP; later ones change nothing. */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  return promise;
}

export function describe(happening: Happening): string {
  const { process: name } = happening;
  if (happening.what === "ready") return `${name} serves after ${happening.millis} ms ${happening.status}`.trimEnd();
  return `${name} ended (${happening.ended}) and is started again in ${happening.again_in_ms} ms`;
}
