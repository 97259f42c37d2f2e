/** The measures, in the order they are printed. Runs inside the build root; `tests/bench/main.ts` starts it. */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { verifyCached, verifyCold } from "./keys.ts";
import type { Measure } from "./measure.ts";
import { line, median } from "./measure.ts";
import { runRawCell } from "./raw-cell.ts";
import { serialAppends } from "./serial-log.ts";
import { type BenchWorld, startBenchWorld } from "./world.ts";

const PORT = 18_443;
const COLD_RUNS = 15;
const SUBMITS = 3000;
const SUBMITTERS = 64;
const SERIAL_APPENDS = 1000;
const CALLS = 9000;
const CALLS_IN_FLIGHT = 32;
const CALLS_ALONE = 2000;

function measures(world: BenchWorld): Measure[] {
  return [
    {
      name: "cell.cold.nspawn",
      unit: "ms",
      against: "raw systemd-nspawn with the same flags",
      run: () => coldStarts(world),
    },
    {
      name: "membrane.call",
      unit: "1/s",
      against: "a uWebSockets.js echo on the same kind of socket",
      run: () => calls(world),
    },
    {
      name: "membrane.call.p50",
      unit: "ms",
      against: "a uWebSockets.js echo on the same kind of socket",
      run: () => callAlone(world),
    },
    { name: "keys.verify.cold", unit: "1/s", against: "the bare ES256 verification of Web Crypto", run: verifyCold },
    { name: "keys.verify.cached", unit: "1/s", against: "the bare SHA-256 of the same key", run: verifyCached },
    { name: "submit.rate", unit: "1/s", against: "serial append and fdatasync", run: () => submits(world) },
  ];
}

/** From the durable submit to the cell that waits at the door, as the audit log has it; median over pairs. */
async function coldStarts(world: BenchWorld) {
  const ours: number[] = [];
  const raw: number[] = [];
  for (let run = 0; run < COLD_RUNS; run++) {
    const { task } = await world.runBench({ calls: 1, in_flight: 1 });
    const { entries } = await world.ask((ask) => ask("audit_show", { task, from: 0, limit: 100 }));
    const at = (verb: string) => Number(entries.find(({ entry }) => entry["verb"] === verb)?.entry["time"]);
    ours.push(at("claim") - at("submit"));
    raw.push((await runRawCell(world.bundle, { calls: 1, in_flight: 1 })).millisToFirstFrame);
  }
  return { value: median(ours), against_value: median(raw) };
}

async function calls(world: BenchWorld) {
  const { ours, echo } = await callBoth(world, { calls: CALLS, in_flight: CALLS_IN_FLIGHT });
  const rate = (fields: Record<string, unknown>) => CALLS / (Number(fields["millis"]) / 1000);
  return { value: rate(ours), against_value: rate(echo) };
}

async function callAlone(world: BenchWorld) {
  const { ours, echo } = await callBoth(world, { calls: CALLS_ALONE, in_flight: 1 });
  return { value: Number(ours["p50"]), against_value: Number(echo["p50"]) };
}

/** The same agent in the same kind of cell, at our door and at the echo. */
async function callBoth(world: BenchWorld, load: { calls: number; in_flight: number }) {
  const { answer } = await world.runBench(load);
  if (typeof answer !== "object") throw new Error("The task has no answer.");
  return { ours: answer.fields as Record<string, unknown>, echo: (await runRawCell(world.bundle, load)).fields };
}

/** Tasks of a role that is not online: they are accepted and wait. */
async function submits({ frontend }: BenchWorld) {
  const floor = serialAppends("/var/silo", SERIAL_APPENDS);
  let sent = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: SUBMITTERS }, async () => {
      while (sent++ < SUBMITS)
        await frontend.post({ kind: "hello", text: "", fields: {}, customer: null }, randomUUID());
    }),
  );
  return { value: SUBMITS / ((performance.now() - begun) / 1000), against_value: floor };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const world = await startBenchWorld(PORT);
try {
  const all = measures(world);
  const unknown = positionals.find((name) => !all.some((measure) => measure.name === name));
  if (unknown !== undefined)
    throw new Error(`There is no measure ${unknown}. There are: ${all.map(({ name }) => name).join(", ")}.`);
  for (const measure of all)
    if (positionals.length === 0 || positionals.includes(measure.name))
      console.log(line(measure, await measure.run(), values.json));
} finally {
  await world.stop();
}
