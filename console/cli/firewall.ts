/** `silo firewall check`, `show`, `apply`: the one way to the firewall of this machine. */
import { CommandEnd, exits } from "./exits.ts";
import { runScript } from "./machine.ts";
import type { World } from "./output.ts";

const SCRIPT = "nftables/main.ts";

/** On an appliance the firewall is its own; on another machine nft(8) of the build root speaks to that machine's network. */
export function firewall(world: World, verb: "check" | "show"): Promise<null> {
  return runScript(world, SCRIPT, [verb]);
}

export async function firewallApply(world: World, { yes, keep }: { yes?: boolean; keep?: boolean }): Promise<null> {
  if (yes !== true && !(await world.confirm(QUESTION)))
    throw new CommandEnd(exits.usage, "Nothing was changed. --yes says yes.");
  return runScript(world, SCRIPT, ["apply", ...(keep === true ? ["--keep"] : [])]);
}

const QUESTION =
  "From now on this machine would let through what silo.yaml names and NOTHING ELSE: no SSH, no browser, no name look-ups, until " +
  "'nft delete table inet silo' or the next boot. Load it?";
