/** The measures, in the order they are printed. Runs inside the build root; `tests/bench/main.ts` starts it. */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import type { Isolation } from "../../kernel/abi/messages.ts";
import { callBoth, type Load, type Round } from "./calls.ts";
import { verifyCached, verifyCold } from "./keys.ts";
import type { Measure, Result } from "./measure.ts";
import { line, median } from "./measure.ts";
import { runRawCell } from "./raw-cell.ts";
import { serialAppends } from "./serial-log.ts";
import { type BenchWorld, startBenchWorld } from "./world.ts";

const PORT = 18_443;
const COLD_RUNS = 15;
const SUBMITS = 3000;
const SUBMITTERS = 64;
const SERIAL_APPENDS = 1000;
const MANY: Load = { calls: 9000, in_flight: 32 };
const ALONE: Load = { calls: 2000, in_flight: 1 };
const ECHO = "a uWebSockets.js server that parses and answers the same JSON on the same kind of socket";

function measures(world: BenchWorld): Measure[] {
  let both: ReturnType<typeof callBoth> | undefined;
  const many = () => {
    both ??= callBoth(world, MANY);
    return both;
  };
  return [
    {
      name: "cell.cold.gvisor",
      unit: "ms",
      against: "raw runsc in the same chain",
      run: () => coldStarts(world, "gvisor"),
    },
    {
      name: "cell.cold.nspawn",
      unit: "ms",
      against: "raw systemd-nspawn with the same flags",
      run: () => coldStarts(world, "nspawn"),
    },
    { name: "membrane.call", unit: "1/s", against: ECHO, run: async () => compare(await many(), "rate") },
    { name: "membrane.call.cpu", unit: "ms", against: ECHO, run: async () => compare(await many(), "cpu") },
    {
      name: "membrane.call.p50",
      unit: "ms",
      against: ECHO,
      run: async () => compare(await callBoth(world, ALONE), "p50"),
    },
    { name: "keys.verify.cold", unit: "1/s", against: "the bare ES256 verification of Web Crypto", run: verifyCold },
    { name: "keys.verify.cached", unit: "1/s", against: "the bare SHA-256 of the same key", run: verifyCached },
    { name: "submit.rate", unit: "1/s", against: "serial append and fdatasync", run: () => submits(world) },
  ];
}

/** From the durable submit to the cell that waits at the door, as the audit log has it; median over pairs. */
async function coldStarts(world: BenchWorld, isolation: Isolation) {
  const bundle = await world.heldBy(isolation);
  const ours: number[] = [];
  const raw: number[] = [];
  for (let run = 0; run < COLD_RUNS; run++) {
    const { task } = await world.runBench({ calls: 1, in_flight: 1 });
    const { entries } = await world.ask((ask) => ask("audit_show", { task, from: 0, limit: 100 }));
    const at = (verb: string) => Number(entries.find(({ entry }) => entry["verb"] === verb)?.entry["time"]);
    ours.push(at("claim") - at("submit"));
    raw.push((await runRawCell(bundle, { calls: 1, in_flight: 1 }, isolation)).millisToFirstFrame);
  }
  await world.heldBy("nspawn");
  return { value: median(ours), against_value: median(raw) };
}

function compare({ ours, echo }: Awaited<ReturnType<typeof callBoth>>, name: keyof Round): Result {
  return { value: ours[name], against_value: echo[name] };
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
