/** `silo trial`, which is also `npm start`. */
import { resolve } from "node:path";
import { runInside } from "./inside.ts";
import type { World } from "./output.ts";
import { STATE_DEFAULT } from "./places.ts";

export type TrialOptions = { once?: boolean; port?: number };

/** Runs until the story is told or it is stopped; what it has to say it says itself. */
export async function trial(world: World, { once, port }: TrialOptions): Promise<null> {
  const argv = [
    "--state",
    resolve(world.state ?? STATE_DEFAULT),
    ...(once ? ["--once"] : []),
    ...(world.json ? ["--json"] : []),
  ];
  if (port !== undefined) argv.push("--port", String(port));
  await runInside(world.state, "console/trial/main.ts", argv);
  return null;
}
