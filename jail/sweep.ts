/** Leaves nothing of a cell: kills what runs as its users, which no process inside can change, until there is nothing. */
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "./log.ts";
import { processesIn, type UidRange } from "./processes.ts";

const AGAIN_MS = 5;
const LOUD_MS = 5_000;

/**
 * Kills every process in `range` until none is left and `over` says that none will come (nspawn has ended: it makes them, and
 * clears up behind itself once they are gone). What takes longer than 5 s is logged, and `stuck` is called, once.
 */
export async function sweep(range: UidRange, over: () => boolean, log: Log, stuck?: () => void): Promise<void> {
  for (let waited = 0; ; waited += AGAIN_MS) {
    const pids = processesIn(range);
    if (pids.length === 0 && over()) return;
    for (const pid of pids) killIfThere(pid);
    if (waited === LOUD_MS) {
      log.error({ ...range, pids }, "a cell does not end");
      stuck?.();
    }
    await delay(AGAIN_MS);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}
