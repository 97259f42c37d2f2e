/**
 * The kernel's clock.
 *
 * Threat: a clock that is set back gives a spent day's limits anew, lets expired keys live and writes a log that runs backwards.
 * Contract: time never goes back; small corrections make it stand still until the clock has caught up.
 * Failure: a clock more than BACK_MS_MAX behind what was seen before throws `ConfigError`: the process ends, and does not start again
 * before the clock is right, or an administrator has said in silo.yaml that the log's last time was wrong.
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

/** The log's `last` time (ms), or null when it is the `wrong_time` of silo.yaml. Once something is logged after it, it is the last no more. */
export function trustedTime(last: number, wrong: string | null): number | null {
  return wrong !== null && Date.parse(wrong) === last ? null : last;
}

function behind(time: number, latest: number): string {
  const [clock, before] = [new Date(time).toISOString(), new Date(latest).toISOString()];
  const remedy = `Set the clock right; nothing starts before that. If it is right and that time was wrong, write`;
  return `The clock says ${clock}, but it has been ${before} already. ${remedy} "wrong_time: ${before}" into silo.yaml.`;
}
