/** Tasks one after the other, as fast as the machine makes cells for them, against the same cells in a bare loop. */
import type { Isolation } from "../../kernel/abi/messages.ts";
import { median, type Result } from "./measure.ts";
import { runRawCell } from "./raw-cell.ts";
import type { BenchWorld } from "./world.ts";

const TASKS = 40;
/** As many as the appliance has slots. */
const AT_ONCE = 4;
const ROUNDS = 3;
const FIELDS = { calls: 1, in_flight: 1 };

/** Tasks a second; the middle of three rounds of each, in turns. */
export async function taskRate(world: BenchWorld, isolation: Isolation): Promise<Result> {
  const bundle = await world.heldBy(isolation);
  const ours: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await rate(TASKS, () => world.runBench(FIELDS)));
    raw.push(await rate(AT_ONCE, (place) => runRawCell(bundle, FIELDS, isolation, place)));
  }
  return { value: median(ours), against_value: median(raw) };
}

/** A second, with so many at once; `place` tells those at once apart. */
async function rate(atOnce: number, work: (place: number) => Promise<unknown>): Promise<number> {
  let begun = 0;
  const start = performance.now();
  const worker = async (_: unknown, place: number) => {
    while (begun++ < TASKS) await work(place);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return TASKS / ((performance.now() - start) / 1000);
}
