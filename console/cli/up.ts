/** `silo up`. */
import { runInside } from "./inside.ts";
import type { World } from "./output.ts";

export type UpOptions = { port?: number };

/** Runs until it is stopped; what it has to say it says itself. */
export async function up(world: World, { port }: UpOptions): Promise<null> {
  await runInside(world.state, "console/up/main.ts", port === undefined ? [] : ["--port", String(port)]);
  return null;
}
