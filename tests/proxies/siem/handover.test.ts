/** A log whose key is replaced while it is exported: followed where the key before vouches for the next, and nowhere else. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { verifyExport } from "../../../console/audit/exported.ts";
import { readKey } from "../../../console/audit/note.ts";
import { signHead } from "../../../kernel/audit/checkpoint.ts";
import { type LogKeys, openLogKeys } from "../../../kernel/audit/keys.ts";
import type { LogKey } from "../../../kernel/audit/note.ts";
import { readTree } from "../../../kernel/audit/tiles.ts";
import type { Tree } from "../../../kernel/audit/tree.ts";
import { groupCommit } from "../../../kernel/commit.ts";
import type { Event } from "../../../proxies/siem/event.ts";
import { formats } from "../../../proxies/siem/formats.ts";
import { type Pump, startPump } from "../../../proxies/siem/pump.ts";
import { NotTaken } from "../../../proxies/siem/sink.ts";
import { type LogWorld, openLogWorld } from "../../kernel/audit/log-world.ts";
import { memoryKeystore } from "../../kernel/world.ts";

let world: LogWorld;
let keys: LogKeys;
let first: LogKey;
let pump: Pump | undefined;
let got: Event[];
let away: boolean;
beforeEach(() => {
  [got, away] = [[], false];
  world = openLogWorld(undefined, (store) => {
    keys = openLogKeys(memoryKeystore(new Map()), store);
    return keys;
  });
  first = keys.current();
});
afterEach(async () => {
  await pump?.stop();
  await world.close();
});

const cursor = () => join(world.root, "cursor.json");
const pinned = () => JSON.parse(readFileSync(cursor(), "utf8")).key;
const handover = () => join(world.folder, "handover/0");
const until = (there: () => boolean) => vi.waitFor(() => expect(there()).toBe(true), { timeout: 60_000, interval: 50 });
const upToDate = (size: number) => until(() => pump?.status().state === "up to date" && pump.status().taken === size);
const checkpoints = () => got.flatMap(({ record }) => (record.kind === "checkpoint" ? [record.size] : []));
const lines = () => got.map(({ line }) => line);

function start(overlapBytes = 0): void {
  pump = startPump({
    folder: world.folder,
    cursor: cursor(),
    open: () => ({
      overlapBytes,
      async send(events) {
        if (away) throw new NotTaken("The receiver is away.");
        got.push(...events);
        return { said: "thank you", dropped: 0 };
      },
      lost: () => (away ? "The receiver went away." : null),
      close: () => undefined,
    }),
    format: formats.native,
    now: Date.now,
    log: { error: () => undefined, info: () => undefined },
    retryMsMax: 500,
  });
}

async function add(count: number): Promise<void> {
  world.add(count);
  await world.publisher.tend();
}

/** One entry says so; ten come behind it, under the next key alone. */
async function rotate(): Promise<void> {
  const { commit } = groupCommit(world.store);
  await keys.rotate({ store: world.store, commit, now: () => 1_800_000_000_000 }, "admin");
  await world.publisher.tend();
  await add(10);
}

function verify(of: readonly string[]) {
  const file = join(world.root, "received");
  writeFileSync(file, of.map((line) => `${line}\n`).join(""));
  return verifyExport(file, readKey(first.verifier));
}

test("it goes on with the next key, and the receiver's file proves itself from the first on", async () => {
  await add(300);
  start();
  await upToDate(300);
  await rotate();
  await upToDate(311);
  expect(pinned()).toBe(keys.current().verifier);
  expect(pinned()).not.toBe(first.verifier);
  await pump?.stop();
  await rotate();
  await rotate();
  start();
  await upToDate(333);
  expect(pinned()).toBe(keys.current().verifier);
  expect(checkpoints()).toEqual(expect.arrayContaining([300, 301, 312, 323, 333]));
  expect(verify(lines())).toMatchObject({ head: { size: 333 }, entries: 333 });
  expect(verify([...lines(), ...lines()])).toMatchObject({ head: { size: 333 }, entries: 333 });
});

test("what both keys signed is sent again with what a connection may have lost, and the key known stays the first until then", async () => {
  await add(20);
  start(16 * 1024 * 1024);
  await rotate();
  await upToDate(31);
  expect(pinned()).toBe(first.verifier);
  away = true;
  await until(() => pump?.status().state === "failing");
  got = [];
  away = false;
  await upToDate(31);
  await until(() => checkpoints().includes(31));
  expect(verify(lines())).toMatchObject({ head: { size: 31 }, entries: 31 });
});

test.each<[string, () => void]>([
  ["is not there", () => rmSync(handover())],
  ["lacks the signature of the key before", () => edit((text) => text.replace(/^— .*\n/m, ""))],
  [
    "has another signature of the key before",
    () => edit((text) => text.replace(/(?<=^— .{40})./m, (char) => (char === "A" ? "B" : "A"))),
  ],
])("where what both signed %s the log is refused aloud", async (_, spoil) => {
  await add(20);
  start();
  await upToDate(20);
  await pump?.stop();
  const before = got.length;
  await rotate();
  spoil();
  start();
  await until(() => pump?.status().state === "refused");
  expect(pump?.status().problem).toMatch(/^NOT EXPORTED/);
  expect(got).toHaveLength(before);
  expect(pinned()).toBe(first.verifier);
});

function edit(change: (text: string) => string): void {
  const text = readFileSync(handover(), "utf8");
  expect(change(text)).not.toBe(text);
  writeFileSync(handover(), change(text));
}

test("a key that was replaced signs nothing more: neither for the exporter nor for whoever reads its receiver's file", async () => {
  await add(20);
  start();
  await rotate();
  await upToDate(31);
  await until(() => pinned() === keys.current().verifier);
  await pump?.stop();
  const signed = signHead(first, readTree(world.folder, 31) as Tree, []);
  writeFileSync(join(world.folder, "checkpoint.new"), signed.note);
  renameSync(join(world.folder, "checkpoint.new"), join(world.folder, "checkpoint"));
  start();
  await until(() => pump?.status().state === "refused");
  expect(pump?.status().problem).toMatch(/not signed by/);
  const root = Buffer.from(signed.root, "base64").toString("hex");
  const forged = formats.native({ kind: "checkpoint", size: 31, root, note: signed.note }, "silo/test");
  expect(() => verify([...lines(), forged])).toThrow(/a key that was replaced before/);
  const without = lines().filter((line) => !line.includes('"size":21,'));
  expect(() => verify(without)).toThrow(/not signed by/);
});
