/** `silo up`, inside the build root: starts everything on the state as it was left, and runs until it is told to stop. */
import { parseArgs } from "node:util";
import { startWorld } from "../trial/world.ts";
import { showLowered } from "./lowered.ts";
import { describe, untilStopped } from "./running.ts";

const { values } = parseArgs({ options: { port: { type: "string" } } });
const say = (line: string) => console.log(`silo: ${line}`);

const stopped = untilStopped();
console.log(showLowered());
const world = await startWorld({
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  say,
  report: (happening) => say(describe(happening)),
});
await world.appliance.waitReady();
const { host, port } = world.appliance.settings.http;
say(`running; the front door is http://${host}:${port}. Ctrl-C stops it.`);
await stopped;
say("stopping");
await world.stop();
