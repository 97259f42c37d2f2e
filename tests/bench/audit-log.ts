/**
 * The audit log itself: how fast entries become durable, how fast a whole log is proved, and whether an entry of a large log costs more than
 * one of a small. Store, group commit, log and publisher are the kernel's, the verifier is the console's.
 */
import { hash } from "node:crypto";
import { availableParallelism } from "node:os";
import { readKey } from "../../console/audit/note.ts";
import { readBundle, TILE_WIDTH } from "../../console/audit/tiles.ts";
import { verifyLog } from "../../console/audit/verify.ts";
import { type BenchLog, LOGS, makeLog, openLog, publish, write } from "./bench-log.ts";
import { type Measure, median, type Result } from "./measure.ts";
import { serialAppends } from "./serial-log.ts";

const WRITERS = [1, 32, 1024];
const ROUNDS = 5;
const SERIAL_APPENDS = 500;
/** A writer writes so many of each round's entries, but all together no fewer than these. */
const ENTRIES_EACH = 32;
const ENTRIES_MIN = 512;
const SMALL = 10_000;
const LARGE = 1_000_000;
const GROWTH_ENTRIES = 2048;
const GROWTH_WRITERS = 32;

/** A measure that needs no appliance. */
type LogMeasure = Omit<Measure, "settings" | "run"> & { run(): Promise<Result> };

/** The logs they share are made when the first of them needs them; `close` removes them. */
export function logMeasures(): { measures: readonly LogMeasure[]; close(): Promise<void> } {
  const made: { small?: BenchLog; large?: BenchLog } = {};
  const small = async () => (made.small ??= await makeLog("small", SMALL));
  const large = async () => (made.large ??= await makeLog("large", LARGE));
  return {
    measures: [
      ...WRITERS.map(
        (writers): LogMeasure => ({
          name: `audit.append.${writers}`,
          unit: "1/s",
          against: "serial append and fdatasync",
          run: () => appends(writers),
        }),
      ),
      {
        name: "audit.verify",
        unit: "1/s",
        against: "the bare SHA-256 of the same entries on one thread",
        run: async () => verifies(await large()),
      },
      {
        name: "audit.growth",
        unit: "ms",
        against: `a thousand entries of a log of ${SMALL}`,
        run: async () => grows(await large(), await small()),
      },
    ],
    async close() {
      for (const log of Object.values(made)) await log.close();
    },
  };
}

/** Entries a second that so many writers have made durable, each waiting for its own; against a file that is appended to and flushed. */
async function appends(writers: number): Promise<Result> {
  const log = openLog("append");
  try {
    const entries = Math.max(ENTRIES_MIN, writers * ENTRIES_EACH);
    const [ours, serial] = await alternate(
      () => rateOf(entries, () => write(log, writers, entries)),
      () => serialAppends(LOGS, SERIAL_APPENDS),
    );
    return { value: ours, against_value: serial };
  } finally {
    await log.close();
  }
}

/** Entries a second of `silo audit verify`, against the hashes of the same entries alone, on one thread. */
async function verifies({ folder, publisher }: BenchLog): Promise<Result> {
  const key = readKey(publisher.state().key);
  const { published } = publisher.state();
  const [ours, bare] = await alternate(
    () => rateOf(published, () => verifyLog({ folder, key }, availableParallelism())),
    () => hashRate(folder, published),
  );
  return { value: ours, against_value: bare };
}

/** Reading is not counted. */
function hashRate(folder: string, size: number): number {
  const bundles = Math.floor(size / TILE_WIDTH);
  let took = 0;
  for (let index = 0; index < bundles; index++) {
    const entries = readBundle(folder, index, TILE_WIDTH);
    const begun = performance.now();
    for (const entry of entries) hash("sha256", entry);
    took += performance.now() - begun;
  }
  return (bundles * TILE_WIDTH) / (took / 1000);
}

/** Milliseconds a thousand entries take until they are durable and published. */
async function grows(large: BenchLog, small: BenchLog): Promise<Result> {
  const [atLarge, atSmall] = await alternate(
    () => growthMillis(large),
    () => growthMillis(small),
  );
  return { value: atLarge, against_value: atSmall };
}

async function growthMillis(log: BenchLog): Promise<number> {
  const rate = await rateOf(GROWTH_ENTRIES, async () => {
    await write(log, GROWTH_WRITERS, GROWTH_ENTRIES);
    await publish(log);
  });
  return 1_000_000 / rate;
}

/** The middle of each over rounds in which they take turns, after one that nobody counts. */
async function alternate(
  ours: () => Promise<number>,
  floor: () => number | Promise<number>,
): Promise<[number, number]> {
  const rounds: [number, number][] = [];
  for (let round = 0; round <= ROUNDS; round++) rounds.push([await ours(), await floor()]);
  const counted = rounds.slice(1);
  return [median(counted.map(([first]) => first)), median(counted.map(([, second]) => second))];
}

/** So many a second. */
async function rateOf(count: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return count / ((performance.now() - begun) / 1000);
}
