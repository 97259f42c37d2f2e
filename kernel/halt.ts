/**
 * The start gate: whether cells may be started, and given tasks, now.
 *
 * Threat: a host, a tree or a jailer that leaves a cell more open than it should be, and tasks that go on being given to its cells.
 * Contract: from the first cell on that found a guard missing before it was offered, no cell is started and none is given a task; cells that have
 * their task go on. An administrator ends that; or the kernel starts anew, and then the probe of its first cell decides. Both are in the log,
 * with the name of the check.
 * Failure: a cell that does not reach the membrane may have met a door that was busy: SILENT_MAX of them one after another stop the node, fewer are
 * attempts like others. What a cell says after it was offered is an agent's word and stops nothing.
 */
import type { consoleToKernel } from "./abi/console-messages.ts";
import type { ValueOf } from "./abi/messages.ts";
import { type Core, note } from "./core.ts";
import { DOOR_SILENT, failedCheck } from "./probe-checks.ts";
import type { Log } from "./process/log.ts";

/** Cells one after another that do not reach the membrane. */
export const SILENT_MAX = 3;

export type Halted = NonNullable<ValueOf<typeof consoleToKernel, "status">["halted"]>;

export type Halt = {
  /** Why nothing is started; null: cells may be started. */
  why(): Halted | null;
  /** A cell ended with this exit code before it was offered. True where that is no fault of whoever it was started for. */
  failed(cell: { cell: string; role: string }, code: number | null): boolean;
  /** A cell has been probed and waits. */
  came(): void;
  /** Cells may be started again; false where they might before. */
  resume(who: string): Promise<boolean>;
};

/** `halted` is called when nothing may be started any more. */
export function openHalt(core: Pick<Core, "store" | "commit" | "now">, log: Log, halted: () => void): Halt {
  let why: Halted | null = null;
  let silent = 0;

  function halt(check: string, { cell, role }: { cell: string; role: string }): void {
    log.error(
      { cell, role, check },
      "NO CELL IS STARTED ANY MORE: a guard was missing in one. Then: silo cells resume",
    );
    if (why !== null) return;
    why = { check, cell, since: core.now() };
    halted();
    void core.commit(() => note(core, "cells_halt", { cell, role, code: codeOf(check) }));
  }

  return {
    why: () => why,
    failed(cell, code) {
      const check = failedCheck(code);
      if (check === null) return false;
      if (code === DOOR_SILENT && ++silent < SILENT_MAX) return false;
      halt(check, cell);
      return true;
    },
    came() {
      silent = 0;
    },
    async resume(who) {
      if (why === null) return false;
      const code = codeOf(why.check);
      await core.commit(() => note(core, "cells_resume", { who, code }));
      why = null;
      silent = 0;
      return true;
    },
  };
}

/** As the log spells it. */
function codeOf(check: string): string {
  return `PROBE_${check.toUpperCase()}`;
}
