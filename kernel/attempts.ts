/** The cells that have work, in memory: what dispatch waits for, by cell. The truth about tasks is in the store. */
import type { Mode } from "./abi/ids.ts";
import type { Cell } from "./cell.ts";
import type { Comparison } from "./comparison.ts";
import type { Minted } from "./mint.ts";
import type { Click, Lease } from "./records.ts";

/** One cell and what it is there for. It ends with its cell, and the cell with it. */
export type Attempt = Pick<Cell, "cell" | "slot" | "over" | "end"> & {
  readonly held: Cell;
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
};

export type Attempts = {
  open(held: Cell, job: Pick<Attempt, "task" | "click" | "comparison">): Attempt;
  close(cell: string): void;
  ofCell(cell: string): Attempt | undefined;
  /** The attempt that holds the task, or is to; not what runs beside it. */
  ofTask(task: string): Attempt | undefined;
  /** The run in shadow or try that makes its calls under this assignment of its own. */
  comparisonOf(assignment: string): Comparison | null;
  /** The tasks with a cell of this mode. */
  busy(mode: Mode): Set<string>;
  all(): Attempt[];
};

export function openAttempts(): Attempts {
  const byCell = new Map<string, Attempt>();
  return {
    open(held, { task, click, comparison }) {
      const { cell, slot, over, end } = held;
      const own = { lease: null, keys: [], findings: 0, intents: 0 };
      const attempt = { held, cell, slot, over, end, task, click, comparison, ...own };
      byCell.set(cell, attempt);
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
  };
}
