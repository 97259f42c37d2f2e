/**
 * The kernel's clock.
 *
 * Threat: a clock that is set back gives a spent day's limits anew, lets expired keys live and writes a log that runs backwards.
 * Contract: time never goes back; small corrections make it stand still until the clock has caught up.
 * Failure: a clock more than BACK_MS_MAX behind what was seen before throws `ConfigError`: the process ends, and does not start again
 * before the clock is right.
 */
import { ConfigError } from "./process/config.ts";

/** How far a clock may be corrected back. */
export const BACK_MS_MAX = 60_000;

/** Reads `read` (ms since 1970). `last`: the latest time known to have been, from the log. */
export function steadyClock(read: () => number, last: number): () => number {
  let latest = last;
  return () => {
    const time = read();
    if (time < latest - BACK_MS_MAX) throw new ConfigError(behind(time, latest));
    latest = Math.max(latest, time);
    return latest;
  };
}

function behind(time: number, latest: number): string {
  const [clock, before] = [new Date(time).toISOString(), new Date(latest).toISOString()];
  return `The clock says ${clock}, but it has been ${before} already. Set the clock right; nothing starts before that.`;
}
