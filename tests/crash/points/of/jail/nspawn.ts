/** A cell about to be started, and started. */
import { nspawnArguments as compose } from "../../../../../jail/nspawn.ts";
import { cross } from "../../cross.ts";

export * from "../../../../../jail/nspawn.ts";

/** The jailer spawns what this returns in the same turn. */
export const nspawnArguments: typeof compose = (start, at) => {
  cross("cell: before its start");
  process.nextTick(cross, "cell: started");
  return compose(start, at);
};
