/** Runs a script where SiloOS is: on an appliance as it stands, elsewhere inside the build root, on the state directory that is meant. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { CommandEnd, type Exit, exits } from "./exits.ts";
import { runInside } from "./inside.ts";
import type { World } from "./output.ts";
import { findPlaces, product } from "./places.ts";

/** Settles when it ended well; what it has to say it says itself. */
export async function runScript(world: World, script: string, argv: readonly string[]): Promise<null> {
  const all = [...argv, ...(world.json ? ["--json"] : [])];
  if (findPlaces(world.state).name !== "/") {
    await runInside(world.state, script, all);
    return null;
  }
  const child = spawn(process.execPath, [`${product}/${script}`, ...all], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== exits.done) throw new CommandEnd((code ?? exits.defect) as Exit, "");
  return null;
}
