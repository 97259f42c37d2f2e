/**
 * One membrane call, `kv:get` with its audit entry durable, against an echo: the same agent in the same kind of cell, at our door and at a
 * server of the same parts. They take turns, and the middle round of each counts: what else the machine does hits both.
 */
import { readFileSync } from "node:fs";
import { median } from "./measure.ts";
import { runRawCell } from "./raw-cell.ts";
import type { BenchWorld } from "./world.ts";

export type Load = { calls: number; in_flight: number };
/** Calls a second; the middle call's milliseconds; CPU milliseconds a call of all processes that serve it, the cell's own not among them. */
export type Round = { rate: number; p50: number; cpu: number };

const SERVING = ["door", "kernel", "vault", "kv"] as const;
const ROUNDS = 5;
/** proc_pid_stat(5): utime and stime, counted from the field behind the name, in ticks that Linux shows as hundredths of a second. */
const [UTIME, STIME] = [11, 12];
const TICK_MS = 10;

/** The middle of five rounds of each, after one that nobody counts. */
export async function callBoth(world: BenchWorld, load: Load): Promise<{ ours: Round; echo: Round }> {
  const ours: Round[] = [];
  const echo: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    ours.push(await callOurs(world, load));
    echo.push(await callEcho(world, load));
  }
  return { ours: middle(ours.slice(1)), echo: middle(echo.slice(1)) };
}

async function callOurs(world: BenchWorld, load: Load): Promise<Round> {
  const before = cpuOf(world);
  const { answer } = await world.runBench(load);
  if (typeof answer !== "object") throw new Error("The task has no answer.");
  return roundOf(load, answer.fields, cpuOf(world) - before);
}

/** The echo is served by this process, which does nothing else meanwhile. */
async function callEcho({ bundle }: BenchWorld, load: Load): Promise<Round> {
  const before = process.cpuUsage();
  const { fields } = await runRawCell(bundle, load);
  const { user, system } = process.cpuUsage(before);
  return roundOf(load, fields, (user + system) / 1000);
}

function roundOf({ calls }: Load, fields: Record<string, unknown>, cpuMs: number): Round {
  return { rate: calls / (Number(fields["millis"]) / 1000), p50: Number(fields["p50"]), cpu: cpuMs / calls };
}

function cpuOf({ pid }: BenchWorld): number {
  return SERVING.reduce((sum, name) => sum + cpuMs(pid(name)), 0);
}

function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MS;
}

function middle(rounds: readonly Round[]): Round {
  const of = (name: keyof Round) => median(rounds.map((round) => round[name]));
  return { rate: of("rate"), p50: of("p50"), cpu: of("cpu") };
}
