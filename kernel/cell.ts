/** One cell as the kernel knows it, from the order to start it until nothing of it is left. In memory alone: it ends with this process. */
import { isDeepStrictEqual } from "node:util";
import type { Ending } from "./records.ts";
import type { ActiveRole } from "./roles.ts";

/** How a cell, and the attempt in it, came to its end: `settled` in the store already, or what is to be settled now. */
export type Over = { how: "settled"; ending: Ending | null } | { how: "exit" } | { how: "lost" } | { how: "timeout" };

/** What a cell is made for; it serves nothing else. */
export type Made = Pick<ActiveRole, "role" | "bundle" | "isolation" | "resources" | "deadline_ms">;

export type Cell = {
  readonly cell: string;
  readonly slot: number;
  readonly made: Made;
  /** When it was ordered (ms). */
  readonly began: number;
  /** When it had been probed and waited at the door (ms); null until then. */
  came: number | null;
  /** Set in the transaction that gives it its one task. */
  isUsed: boolean;
  /** Whether the door has given it that task: before, nothing of an agent's ran. */
  isBound: boolean;
  isOver: boolean;
  /** Settles once, with the first end that was told. */
  readonly over: Promise<Over>;
  end(over: Over): void;
};

export function newCell(given: Pick<Cell, "cell" | "slot" | "made" | "began">): Cell {
  const { promise, resolve } = Promise.withResolvers<Over>();
  const cell: Cell = {
    ...given,
    came: null,
    isUsed: false,
    isBound: false,
    isOver: false,
    over: promise,
    end(over) {
      cell.isOver = true;
      resolve(over);
    },
  };
  return cell;
}

/** Gives the cell away for good, inside the transaction that claims its task. False where it was given before, or is over. */
export function useOnce(cell: Cell): boolean {
  if (cell.isUsed || cell.isOver) return false;
  cell.isUsed = true;
  return true;
}

export function madeFor({ role, bundle, isolation, resources, deadline_ms }: ActiveRole): Made {
  return { role, bundle, isolation, resources, deadline_ms };
}

/** Whether a cell that was made so serves the role as it is approved now. */
export function serves(made: Made, role: ActiveRole): boolean {
  return isDeepStrictEqual(made, madeFor(role));
}
