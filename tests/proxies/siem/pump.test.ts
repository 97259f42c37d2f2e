/** The pump against a receiver of the test's own: away, forgetful, slow; and against a disk that lies. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Event } from "../../../proxies/siem/event.ts";
import { formats } from "../../../proxies/siem/formats.ts";
import { BATCH_BYTES_MAX, type Pump, startPump } from "../../../proxies/siem/pump.ts";
import { beginning } from "../../../proxies/siem/read.ts";
import { NotTaken, type Sink } from "../../../proxies/siem/sink.ts";
import { openTrail } from "../../../proxies/siem/trail.ts";
import { type LogWorld, openLogWorld } from "../../kernel/audit/log-world.ts";

let world: LogWorld;
let pump: Pump | undefined;
let got: Event[];
let said: string[];
let away: boolean;
let largest: number;
beforeEach(() => {
  world = openLogWorld();
  [got, said, away, largest] = [[], [], false, 0];
});
afterEach(async () => {
  await pump?.stop();
  await world.close();
});

const cursor = () => join(world.root, "cursor.json");

function sink(overlapBytes: number): Sink {
  return {
    overlapBytes,
    async send(events) {
      if (away) throw new NotTaken("The receiver is away.");
      largest = Math.max(
        largest,
        events.reduce((sum, { line }) => sum + line.length, 0),
      );
      got.push(...events);
      return { said: "thank you", dropped: 0 };
    },
    lost: () => (away ? "The receiver went away." : null),
    close: () => undefined,
  };
}

function start(overlapBytes = 0): Pump {
  const log = { error: (message: string) => said.push(message), info: () => undefined };
  const parts = { folder: world.folder, cursor: cursor(), open: () => sink(overlapBytes), format: formats.native };
  pump = startPump({ ...parts, now: Date.now, log, retryMsMax: 500 });
  return pump;
}

async function add(count: number): Promise<void> {
  world.add(count);
  await world.publisher.tend();
}

const indexes = () => got.flatMap(({ record }) => (record.kind === "entry" ? [record.index] : []));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const until = (there: () => boolean) => vi.waitFor(() => expect(there()).toBe(true), { timeout: 30_000, interval: 50 });
const upToDate = (size: number) => until(() => pump?.status().state === "up to date" && pump.status().taken === size);

test("every entry goes in order, and the checkpoint behind what it covers", async () => {
  start();
  await add(700);
  await upToDate(700);
  await add(3);
  await upToDate(703);
  expect(indexes()).toEqual(upTo(703));
  const places = got.map(({ record }) => (record.kind === "entry" ? record.index : `over ${record.size}`));
  expect(places.indexOf("over 703")).toBe(places.length - 1);
  expect(places.indexOf("over 700")).toBe(places.indexOf(699) + 1);
  expect(pump?.status()).toMatchObject({
    entries: 703,
    taken: 703,
    checkpoint: 703,
    again: 0,
    dropped: 0,
    problem: null,
  });
});

test("a receiver that is away loses nothing, and hears nothing twice that it acknowledged; a new start goes on", async () => {
  start();
  await add(300);
  await upToDate(300);
  away = true;
  await add(300);
  await until(() => pump?.status().state === "failing");
  expect(pump?.status()).toMatchObject({ problem: expect.stringMatching(/away/), taken: 300, dropped: 0 });
  await pump?.stop();
  start();
  await add(300);
  away = false;
  await upToDate(900);
  expect(indexes()).toEqual(upTo(900));
  expect(said.filter((line) => line === "The receiver is away.").length).toBeLessThanOrEqual(3);
});

test("where nothing is acknowledged everything within the overlap is sent again after a break", async () => {
  start(16 * 1024 * 1024);
  await add(600);
  await upToDate(600);
  expect(pump?.status()).toMatchObject({ taken: 600, certain: 0 });
  away = true;
  await until(() => pump?.status().state === "failing");
  away = false;
  await until(() => indexes().length === 1200);
  expect(indexes()).toEqual([...upTo(600), ...upTo(600)]);
  expect(pump?.status().again).toBe(600);
});

test("of what was taken at most the overlap and one step stay uncertain", () => {
  const at = (size: number) => ({ ...beginning, edge: { size, roots: [] } });
  const trail = openTrail(at(0), 100);
  for (let step = 1; step <= 4; step++) trail.passed(at(step), 50);
  expect(trail.certain().edge.size).toBe(2);
  trail.passed(at(5), 1);
  expect(trail.certain().edge.size).toBe(2);
  trail.passed(at(6), 49);
  expect(trail.certain().edge.size).toBe(3);
});

test("what goes out at once is bounded, however much there is", async () => {
  await add(6000);
  start();
  await upToDate(6000);
  expect(indexes()).toEqual(upTo(6000));
  expect(largest).toBeGreaterThan(BATCH_BYTES_MAX / 2);
  expect(largest).toBeLessThanOrEqual(BATCH_BYTES_MAX);
});

test("a test event is the newest checkpoint, and what came back is told", async () => {
  start();
  expect((await pump?.test())?.said).toMatch(/no checkpoint yet/);
  await add(3);
  await upToDate(3);
  expect(await pump?.test()).toEqual({ taken: true, said: "thank you" });
  expect(got.at(-1)).toMatchObject({ name: "checkpoint", record: { size: 3 } });
  away = true;
  expect(await pump?.test()).toEqual({ taken: false, said: "The receiver is away." });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(path, bytes);
}

test.each([
  ["an entry", "tile/entries/000", 30],
  ["a hash of the rest", "tile/0/002.p/88", 30],
  ["the signature", "checkpoint", 90],
])(
  "nothing goes out where the disk has %s changed, and it is said aloud; put right, it goes on",
  async (_, path, at) => {
    await add(600);
    const file = join(world.folder, path);
    const [before, place] = [readFileSync(file), Math.min(at, statSync(file).size - 3)];
    flip(file, place);
    start();
    await until(() => pump?.status().state === "refused");
    expect(got).toEqual([]);
    expect(said.join()).toMatch(/NOT EXPORTED, the log on this disk does not prove itself/);
    writeFileSync(file, before);
    await upToDate(600);
    expect(indexes()).toEqual(upTo(600));
  },
);

test("what was exported is never contradicted: neither by an earlier state nor by another history, both well signed", async () => {
  await add(40);
  start();
  await upToDate(40);
  await pump?.stop();
  const own = world;
  for (const [count, who] of [
    [20, "shop"],
    [60, "shap"],
  ] as const) {
    const other = openLogWorld();
    other.add(count, who);
    await other.publisher.tend();
    world = { ...own, folder: other.folder };
    start();
    await until(() => pump?.status().state === "refused");
    await pump?.stop();
    await other.close();
  }
  world = own;
  expect(indexes()).toEqual(upTo(40));
});

test("a damaged cursor is not begun anew by itself", async () => {
  writeFileSync(cursor(), '{"version":1');
  expect(() => start()).toThrow(/damaged.*Remove it/);
});
