/** The cells that are up now, in memory: what dispatch waits for, by cell. The truth about tasks is in the store. */
import type { Mode } from "./abi/ids.ts";
import type { Comparison } from "./comparison.ts";
import type { Minted } from "./mint.ts";
import type { Click, Ending, Lease } from "./records.ts";

/** How an attempt came to its end: `settled` in the store already, or what is to be settled now. */
export type Over = { how: "settled"; ending: Ending | null } | { how: "exit" } | { how: "lost" } | { how: "timeout" };

export type Attempt = {
  readonly cell: string;
  readonly slot: number;
  readonly task: string;
  readonly click: Click | null;
  /** Of a run that is not live; null for one that is. */
  readonly comparison: Comparison | null;
  /** What it holds, from the claim on. */
  lease: Lease | null;
  keys: readonly Minted[];
  /** Refusals reported of this cell. */
  findings: number;
  /** Calls it asked for, the same step again among them. */
  intents: number;
  /** Settles once, with the first end that was told. */
  readonly over: Promise<Over>;
  end(over: Over): void;
};

export type Attempts = {
  open(attempt: {
    cell: string;
    slot: number;
    task: string;
    click: Click | null;
    comparison: Comparison | null;
  }): Attempt;
  close(cell: string): void;
  ofCell(cell: string): Attempt | undefined;
  /** The attempt that holds the task, or is to; not what runs beside it. */
  ofTask(task: string): Attempt | undefined;
  /** The run in shadow or try that makes its calls under this assignment of its own. */
  comparisonOf(assignment: string): Comparison | null;
  /** The tasks with a cell of this mode. */
  busy(mode: Mode): Set<string>;
  all(): Attempt[];
  /** The lowest slot below `slots` with no cell in it. */
  freeSlot(slots: number): number | undefined;
};

export function openAttempts(): Attempts {
  const byCell = new Map<string, Attempt>();
  return {
    open(options) {
      const { promise, resolve } = Promise.withResolvers<Over>();
      const attempt = { ...options, lease: null, keys: [], findings: 0, intents: 0, over: promise, end: resolve };
      byCell.set(options.cell, attempt);
      return attempt;
    },
    close: (cell) => void byCell.delete(cell),
    ofCell: (cell) => byCell.get(cell),
    ofTask: (task) => [...byCell.values()].find((attempt) => attempt.task === task && attempt.comparison === null),
    comparisonOf(assignment) {
      const runs = [...byCell.values()].map(({ comparison }) => comparison);
      return runs.find((run) => run?.assignment.assignment === assignment && run.mode !== "replay") ?? null;
    },
    busy(mode) {
      const those = [...byCell.values()].filter(({ comparison }) => (comparison?.mode ?? "live") === mode);
      return new Set(those.map(({ task }) => task));
    },
    all: () => [...byCell.values()],
    freeSlot(slots) {
      const used = new Set([...byCell.values()].map(({ slot }) => slot));
      return Array.from({ length: slots }, (_, slot) => slot).find((slot) => !used.has(slot));
    },
  };
}
