/**
 * The log is never silent for long: what is new is under a checkpoint within a second, and where nothing is new for a minute, an entry says
 * so. A longer gap between two entries means that the kernel did not run.
 */
import { type Core, note } from "../core.ts";
import { logSize } from "./log.ts";
import type { Publisher } from "./publish.ts";

/** How often the log is looked at. */
export const PULSE_MS = 500;
/** The longest without an entry. */
export const QUIET_MS = 60_000;

/** Call the result every PULSE_MS. */
export function openPulse(core: Pick<Core, "store" | "commit" | "now">, publisher: Publisher): () => Promise<void> {
  let seen = { size: 0, at: 0 };
  let beating: Promise<void> | null = null;

  async function beat(): Promise<void> {
    const size = logSize(core.store);
    if (size !== seen.size) seen = { size, at: core.now() };
    else if (core.now() >= seen.at + QUIET_MS) await core.commit(() => note(core, "quiet", {}));
    await publisher.tend();
  }

  return async () => {
    beating ??= beat().finally(() => {
      beating = null;
    });
    await beating;
  };
}
