/** Child of world.ts: a whole appliance, until its standard input ends. */
import { once } from "node:events";
import { startWorld } from "../../console/trial/world.ts";

const READY_MS = 90_000;

const world = await startWorld({ port: Number(process.argv[2]) });
await world.appliance.waitReady(READY_MS);
console.log("ready");
process.stdin.resume();
await once(process.stdin, "end");
await world.stop({ forget: true });
