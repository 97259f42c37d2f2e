/** A cell about to be started, and started. */
import type { Isolation } from "../../../../../jail/isolation.ts";
import { isolations as real } from "../../../../../jail/isolations.ts";
import { cross } from "../../cross.ts";

export const isolations: typeof real = { gvisor: marked(real.gvisor), nspawn: marked(real.nspawn) };

function marked(isolation: Isolation): Isolation {
  return {
    ...isolation,
    /** The jailer spawns what this returns in the same turn. */
    command(start, at) {
      cross("cell: before its start");
      process.nextTick(cross, "cell: started");
      return isolation.command(start, at);
    },
  };
}
