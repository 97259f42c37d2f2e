/**
 * A task that finds its cell waiting: from its durable submission to its agent's first frame at the door. Held against what the bare interpreter
 * takes to start and end, in turns.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Isolation } from "../../kernel/abi/messages.ts";
import { timeOfBare } from "./bare-python.ts";
import type { Result } from "./measure.ts";
import { median, quantile } from "./measure.ts";
import type { BenchWorld } from "./world.ts";

const RUNS = 200;
const POLL_MS = 20;
/** Nothing comes up any more, and what took part in that has ended. */
const REST_MS = 100;

type Warm = { ours: number[]; bare: number[] };

/** Milliseconds of each run. Only runs whose cell waited are counted. */
export async function warmStarts(world: BenchWorld, isolation: Isolation): Promise<Warm> {
  await world.heldBy(isolation);
  const ours: number[] = [];
  const bare: number[] = [];
  while (ours.length < RUNS) {
    await aCellWaits(world);
    const before = await taken(world);
    const { task } = await world.runBench({ calls: 1, in_flight: 1 });
    if ((await taken(world)) > before) ours.push(await world.between(task, "submit", "intend"));
    bare.push(await timeOfBare());
  }
  return { ours, bare };
}

export function warmMiddle({ ours, bare }: Warm): Result {
  return { value: median(ours), against_value: median(bare) };
}

/** The slowest but one of a hundred, against the middle of the floor. */
export function warmSlow({ ours, bare }: Warm): Result {
  return { value: quantile(ours, 0.99), against_value: median(bare) };
}

/** As many wait as the pool will have, so that none comes up beside the run. */
export async function aCellWaits({ ask }: BenchWorld): Promise<void> {
  const waiting = () => ask(async (one) => (await one("status", {})).pool.waiting[0]?.cells ?? 0);
  for (let last = 0, same = 0; same < REST_MS / POLL_MS; await pause(POLL_MS)) {
    const now = await waiting();
    same = now > 0 && now === last ? same + 1 : 0;
    last = now;
  }
}

function taken({ ask }: BenchWorld): Promise<number> {
  return ask(async (one) => (await one("status", {})).pool.taken);
}
