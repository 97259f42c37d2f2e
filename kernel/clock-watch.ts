/**
 * Notices when the machine's clock is set: it then departs from a clock that only counts.
 *
 * Threat: somebody sets the clock, and the log's times say nothing of it.
 * Contract: once the two have departed by STEP_MS from where they were noted last, an entry says by how much, with the next look. A machine that
 * slept departs too. Slow correction moves both alike.
 * Failure: what departs by less is not noted. A clock far back stops the kernel (clock.ts).
 */
import { type Core, note } from "./core.ts";

/** A correction as small as this is no step. */
export const STEP_MS = 1_000;
/** How often to look. */
export const LOOK_MS = 500;

/** `wall`: ms since 1970; `counted`: ms since whenever, never set. Call the result every LOOK_MS. */
export function watchClock(
  core: Pick<Core, "store" | "commit" | "now">,
  wall: () => number,
  counted: () => number,
): () => Promise<void> {
  let apart = wall() - counted();
  return async () => {
    const by = Math.round(wall() - counted() - apart);
    if (Math.abs(by) < STEP_MS) return;
    apart += by;
    await core.commit(() => note(core, "clock_step", { by_ms: by }));
  };
}
