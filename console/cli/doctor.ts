/** `silo doctor`: what holds on this machine and what does not, tried and in plain words. */
import { runScript } from "./machine.ts";
import type { World } from "./output.ts";

export function doctor(world: World): Promise<null> {
  return runScript(world, "console/doctor/main.ts", []);
}
