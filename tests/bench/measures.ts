/** The measures, in the order they are printed. Runs inside the build root; `tests/bench/main.ts` starts it. */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { logMeasures } from "./audit-log.ts";
import { callBoth, type Load, type Round } from "./calls.ts";
import { cellMeasures } from "./cells.ts";
import { verifyCached, verifyCold } from "./keys.ts";
import type { Measure, Result } from "./measure.ts";
import { line } from "./measure.ts";
import { serialAppends } from "./serial-log.ts";
import { type BenchWorld, startBenchWorld, type WorldSettings } from "./world.ts";

const PORT = 18_443;
const SUBMITS = 3000;
const SUBMITTERS = 64;
const SERIAL_APPENDS = 1000;
const MANY: Load = { calls: 9000, in_flight: 32 };
const ALONE: Load = { calls: 2000, in_flight: 1 };
/** Every cell is started for its task: that is what is measured, and none comes up beside it. */
const NONE_WAITS: WorldSettings = { cells_max: 0 };
const ECHO = "a uWebSockets.js server that parses and answers the same JSON on the same kind of socket";

function measures(): Measure[] {
  let both: ReturnType<typeof callBoth> | undefined;
  const many = (world: BenchWorld) => {
    both ??= callBoth(world, MANY);
    return both;
  };
  return [
    ...cellMeasures(),
    { name: "membrane.call", unit: "1/s", against: ECHO, run: async (world) => compare(await many(world), "rate") },
    { name: "membrane.call.cpu", unit: "ms", against: ECHO, run: async (world) => compare(await many(world), "cpu") },
    {
      name: "membrane.call.p50",
      unit: "ms",
      against: ECHO,
      run: async (world) => compare(await callBoth(world, ALONE), "p50"),
    },
    { name: "keys.verify.cold", unit: "1/s", against: "the bare ES256 verification of Web Crypto", run: verifyCold },
    { name: "keys.verify.cached", unit: "1/s", against: "the bare SHA-256 of the same key", run: verifyCached },
    { name: "submit.rate", unit: "1/s", against: "serial append and fdatasync", run: submits },
  ];
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

/** Those that were asked for, each on the appliance it is measured on: it is made anew where that is another than the last one. */
async function measure(wanted: readonly Measure[], json: boolean): Promise<void> {
  let at: { world: BenchWorld; settings: WorldSettings } | undefined;
  try {
    for (const one of wanted) {
      const settings = one.settings ?? NONE_WAITS;
      if (at === undefined || !isDeepStrictEqual(at.settings, settings)) {
        await at?.world.stop();
        at = undefined;
        at = { world: await startBenchWorld(PORT, settings), settings };
      }
      console.log(line(one, await one.run(at.world), json));
    }
  } finally {
    await at?.world.stop();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const [logs, all] = [logMeasures(), measures()];
const names = [...logs.measures, ...all].map(({ name }) => name);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) throw new Error(`There is no measure ${unknown}. There are: ${names.join(", ")}.`);
const isWanted = ({ name }: { name: string }) => positionals.length === 0 || positionals.includes(name);
try {
  for (const one of logs.measures.filter(isWanted)) console.log(line(one, await one.run(), values.json));
} finally {
  await logs.close();
}
await measure(all.filter(isWanted), values.json);
