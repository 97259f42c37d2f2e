/** The measures of cells, each in both isolations. */

import { SLOTS_MAX } from "../../kernel/abi/bounds.ts";
import type { Isolation } from "../../kernel/abi/messages.ts";
import { memoryOfBare } from "./bare-python.ts";
import { liveAtOnce } from "./live.ts";
import { type Measure, median, type Result } from "./measure.ts";
import { descendantsOf, memoryOf } from "./memory.ts";
import { taskRate } from "./rate.ts";
import { runRawCell } from "./raw-cell.ts";
import { aCellWaits, warmMiddle, warmSlow, warmStarts } from "./warm.ts";
import type { BenchWorld } from "./world.ts";

const COLD_RUNS = 15;
const MEMORY_RUNS = 5;
const CALLS = { calls: 1, in_flight: 1 };
const BARE = "bare python3 -c pass, the middle one";
const raw = { gvisor: "raw runsc in the same chain", nspawn: "raw systemd-nspawn with the same flags" };

export function cellMeasures(): Measure[] {
  return (["gvisor", "nspawn"] as const).flatMap(measuresOf);
}

function measuresOf(isolation: Isolation): Measure[] {
  let seen: ReturnType<typeof warmStarts> | undefined;
  const warm = (world: BenchWorld) => {
    seen ??= warmStarts(world, isolation);
    return seen;
  };
  const named = (name: string) => `${name}.${isolation}`;
  return [
    { name: named("cell.cold"), unit: "ms", against: raw[isolation], run: (world) => coldStarts(world, isolation) },
    {
      ...{ name: named("cell.warm.p50"), unit: "ms", against: BARE, settings: { cells_max: 1 } },
      run: async (world) => warmMiddle(await warm(world)),
    },
    {
      ...{ name: named("cell.warm.p99"), unit: "ms", against: BARE, settings: { cells_max: 1 } },
      run: async (world) => warmSlow(await warm(world)),
    },
    {
      ...{ name: named("cells.rate"), unit: "1/s", against: `${raw[isolation]}, as many at once`, settings: {} },
      run: (world) => taskRate(world, isolation),
    },
    {
      ...{ name: named("cell.memory"), unit: "MiB", against: "bare python3 that waits", settings: { cells_max: 1 } },
      run: (world) => waitingMemory(world, isolation),
    },
    {
      ...{
        name: named("cells.live"),
        unit: "cells",
        against: "asked for",
        settings: { slots: SLOTS_MAX, cells_max: 0 },
      },
      run: (world) => liveAtOnce(world, isolation),
    },
  ];
}

/** From the durable submit to the cell that waits at the door, as the audit log has it; median over pairs. */
async function coldStarts(world: BenchWorld, isolation: Isolation): Promise<Result> {
  const bundle = await world.heldBy(isolation);
  const ours: number[] = [];
  const floor: number[] = [];
  for (let run = 0; run < COLD_RUNS; run++) {
    const { task } = await world.runBench(CALLS);
    ours.push(await world.between(task, "submit", "claim"));
    floor.push((await runRawCell(bundle, CALLS, isolation)).millisToFirstFrame);
  }
  return { value: median(ours), against_value: median(floor) };
}

/** One that waits for its task, with all that runs it; alone on the machine, so that it shares with nobody. */
async function waitingMemory(world: BenchWorld, isolation: Isolation): Promise<Result> {
  await world.heldBy(isolation);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < MEMORY_RUNS; run++) {
    await world.runBench(CALLS);
    await aCellWaits(world);
    ours.push(memoryOf(descendantsOf(world.pid("jailer") as number)));
    bare.push(await memoryOfBare());
  }
  return { value: median(ours), against_value: median(bare) };
}
