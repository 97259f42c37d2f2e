/** `silo up`, inside the build root: starts everything on the state as it was left, and runs until it is told to stop. */
import { parseArgs } from "node:util";
import { startWorld } from "../trial/world.ts";
import { showLowered } from "./lowered.ts";
import { describe, launch } from "./running.ts";

const { values } = parseArgs({ options: { port: { type: "string" } } });
const say = (line: string) => console.log(`silo: ${line}`);

process.exitCode = await launch(async (stopped) => {
  console.log(showLowered());
  const world = await startWorld({
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
    say,
    report: (happening) => say(describe(happening)),
  });
  try {
    const { host, port } = world.appliance.settings.http;
    const running = world.appliance
      .waitReady()
      .then(() => say(`running; the front door is http://${host}:${port}. Ctrl-C stops it.`));
    await Promise.race([stopped, running.then(() => stopped)]);
  } finally {
    say("stopping");
    await world.stop();
  }
  return 0;
});
