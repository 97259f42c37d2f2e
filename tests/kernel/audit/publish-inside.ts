/** Appends and publishes without end, in the folder named; says "on" when it has begun. For a test that kills it. */
import { openLogWorld } from "./log-world.ts";

const world = openLogWorld(process.argv[2]);
await world.publisher.tend();
process.stdout.write("on");
for (let round = 1; ; round++) {
  world.add((round * 37) % 300);
  await world.publisher.tend();
}
