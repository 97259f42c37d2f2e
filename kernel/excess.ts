/**
 * What a cell may cause before it is destroyed.
 *
 * Threat: a cell fills a log that is kept for ever; a cell that does anything before it has a task is not what was probed.
 * Contract: a cell is destroyed at its FINDINGS_MAX-th refusal outside the journal, and at the call after its INTENTS_MAX-th; one that has no task yet
 * at the first word of it that reaches the kernel.
 */
import { STEPS_MAX } from "./abi/bounds.ts";
import type { Attempts } from "./attempts.ts";
import type { Cells } from "./cells.ts";
import type { Log } from "./process/log.ts";

/** Refusals outside the journal. */
export const FINDINGS_MAX = 1000;
/** Calls, repetitions included: its own steps, and each once more. */
export const INTENTS_MAX = 2 * STEPS_MAX;

export type Excess = {
  /** A refusal of this cell was reported. */
  countFinding(cell: string | null): void;
  /** This cell asked for a call. */
  countIntent(cell: string): void;
  /** Something came from this cell that takes a task. */
  suspect(cell: string): void;
};

export function openExcess(attempts: Attempts, cells: Cells, log: Log): Excess {
  function suspect(cell: string): void {
    const held = cells.of(cell);
    if (held === undefined || held.isUsed || held.isOver) return;
    log.error({ cell, role: held.made.role }, "a cell spoke before it had a task");
    held.end({ how: "lost" });
  }

  function end(cell: string, why: string): void {
    log.warn({ cell }, why);
    attempts.ofCell(cell)?.end({ how: "exit" });
  }

  return {
    suspect,
    countFinding(cell) {
      if (cell === null) return;
      suspect(cell);
      const attempt = attempts.ofCell(cell);
      if (attempt !== undefined && ++attempt.findings >= FINDINGS_MAX) end(cell, "a cell caused too many refusals");
    },
    countIntent(cell) {
      suspect(cell);
      const attempt = attempts.ofCell(cell);
      if (attempt !== undefined && ++attempt.intents > INTENTS_MAX) end(cell, "a cell asked for too many calls");
    },
  };
}
