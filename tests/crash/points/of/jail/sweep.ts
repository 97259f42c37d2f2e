/** The processes of a cell about to be killed, and gone. */
import { sweep as run } from "../../../../../jail/sweep.ts";
import { cross } from "../../cross.ts";

export * from "../../../../../jail/sweep.ts";

export const sweep: typeof run = async (range, ...rest) => {
  cross("cell: before its sweep");
  await run(range, ...rest);
  cross("cell: swept");
};
