/** A hundred cells that live at once: they come up, all answer, and nothing of them is left. */
import { setTimeout as pause } from "node:timers/promises";
import { allUids, processesIn } from "../../jail/processes.ts";
import { SLOTS_MAX } from "../../kernel/abi/bounds.ts";
import type { Isolation } from "../../kernel/abi/messages.ts";
import { newThings, thingsNow } from "../pool/left.ts";
import type { Result } from "./measure.ts";
import { availableMib, descendantsOf, memoryOf } from "./memory.ts";
import type { BenchWorld } from "./world.ts";

/** What two cores bring up in the time that the jailer gives each. */
const COME_UP_AT_ONCE = 3;
/** All live until so many times what as many cold starts one after another take. */
const PATIENCE = 1.5;
const POLL_MS = 50;
const GONE_MS_MAX = 60_000;
const CALLS = { calls: 1, in_flight: 1 };

/** The most that lived at once; with what one takes of memory, how many answered, and what is left of them. */
export async function liveAtOnce(world: BenchWorld, isolation: Isolation): Promise<Result> {
  await world.heldBy(isolation);
  const cold = await timed(() => world.runBench(CALLS));
  await allGone();
  const before = thingsNow();
  const free = availableMib();
  const until = Date.now() + SLOTS_MAX * cold * PATIENCE;
  const begun = performance.now();
  const tasks = await comeUp(world, until);
  const up = performance.now() - begun;
  const lived = await world.ask(async (ask) => (await ask("status", {})).slots.used);
  const [taken, ofMachine] = [memoryOf(descendantsOf(world.pid("jailer") as number)), free - availableMib()];
  const ends = await Promise.allSettled(tasks.map(world.answerOf));
  await allGone();
  const left = newThings(before, thingsNow());
  for (const thing of left) console.error(`left: ${thing}`);
  const more = {
    answered: ends.filter(({ status }) => status === "fulfilled").length,
    seconds_up: up / 1000,
    pss_mib_each: taken / lived,
    machine_mib_each: ofMachine / lived,
    left: left.length,
  };
  return { value: lived, against_value: SLOTS_MAX, more };
}

/** Settles when each has its cell, with the tasks. They live until then (ms). */
async function comeUp({ submit, frontend }: BenchWorld, until: number): Promise<string[]> {
  const tasks: string[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun++ < SLOTS_MAX) {
      const task = await submit({ ...CALLS, until });
      tasks.push(task);
      while ((await frontend.get(task)).state === "ready") await pause(POLL_MS);
    }
  };
  await Promise.all(Array.from({ length: COME_UP_AT_ONCE }, worker));
  return tasks;
}

async function allGone(): Promise<void> {
  for (const late = Date.now() + GONE_MS_MAX; processesIn(allUids).length > 0; await pause(POLL_MS))
    if (Date.now() > late) throw new Error("Cells do not end.");
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
