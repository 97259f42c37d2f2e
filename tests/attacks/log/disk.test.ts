/**
 * What somebody who owns the disk can do to the log, and what gives it away. Where the attacker has no key, the copy alone is evidence; where
 * the key was stolen, or a whole disk is put back, only a checkpoint that was kept elsewhere is.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { leafHash } from "../../../console/audit/merkle.ts";
import { readKey } from "../../../console/audit/note.ts";
import { verifyProof, writeProof } from "../../../console/audit/proof.ts";
import { verifyEntry, verifyGrowth, verifyLog } from "../../../console/audit/verify.ts";
import { logKey } from "../../../kernel/audit/note.ts";
import { KEY, type LogWorld, openLogWorld, seed } from "../../kernel/audit/log-world.ts";

const SIZE = 700;
let world: LogWorld;
/** As it was at 300 entries: on the auditor's own machine. */
let kept: string;
let lastWeek: string;
let folder: string;
let copies = 0;

beforeAll(async () => {
  world = openLogWorld();
  world.add(300);
  await world.publisher.tend();
  lastWeek = world.copy("last-week");
  world.add(SIZE - 300);
  await world.publisher.tend();
  kept = readFileSync(join(world.folder, "checkpoint"), "utf8");
});
afterAll(() => world.close());
beforeEach(() => {
  folder = world.copy(`copy-${copies++}`);
});

const key = () => world.verifier;
const whole = (of = folder) => verifyLog({ folder: of, key: key() }, 1);
const at = (path: string) => join(folder, path);

/** Another log of the same machine, made with a key the attacker holds: other entries from `from` on. */
async function rewritten(from: number, size: number, secret = KEY): Promise<string> {
  const other = openLogWorld();
  try {
    await other.restart(secret);
    other.add(from);
    other.add(size - from, "nobody");
    await other.publisher.tend();
    const made = join(world.root, `rewritten-${copies++}`);
    cpSync(other.folder, made, { recursive: true });
    return made;
  } finally {
    await other.close();
  }
}

test("the log as it is proves itself, whole, entry by entry, and against every earlier checkpoint", async () => {
  expect((await whole()).size).toBe(SIZE);
  expect(verifyGrowth({ folder, key: key() }, readFileSync(join(lastWeek, "checkpoint"), "utf8")).size).toBe(300);
  for (let index = 0; index < SIZE; index += 7) {
    const { entry, proof } = verifyEntry({ folder, key: key() }, index);
    const text = writeProof({ index, entry, proof, checkpoint: kept });
    expect(verifyProof(text, key())).toMatchObject({ index, entry, head: { size: SIZE } });
  }
});

test("one byte changed anywhere is found", async () => {
  const names = [
    "checkpoint",
    "tile/0/000",
    "tile/0/002.p/188",
    "tile/1/000.p/2",
    "tile/entries/001",
    "tile/entries/002.p/188",
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      async (name, where, change) => {
        const bytes = readFileSync(join(world.folder, name));
        const place = Math.floor(where * bytes.length);
        bytes[place] = (bytes[place] ?? 0) ^ change;
        writeFileSync(at(name), bytes);
        await expect(whole(), `${name}, byte ${place}`).rejects.toThrow();
        cpSync(join(world.folder, name), at(name));
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  ["a bundle", "tile/entries/001", /entries\/001 is missing/],
  ["a tile", "tile/0/001", /0\/001 is missing/],
  ["the checkpoint", "checkpoint", /checkpoint is missing/],
  ["everything", "", /checkpoint is missing/],
])("%s deleted is found from the copy alone", async (_, path, sentence) => {
  rmSync(at(path), { recursive: true });
  await expect(whole()).rejects.toThrow(sentence);
});

test("the tail deleted, and everything made to fit that needs no key: the signature does not", async () => {
  const shorter = await rewritten(SIZE - 10, SIZE - 10, logKey("silo/test", seed(66)));
  const [, size, root] = readFileSync(join(shorter, "checkpoint"), "utf8").split("\n");
  const [, , , ...signed] = kept.split("\n");
  writeFileSync(join(shorter, "checkpoint"), ["silo/test", size, root, ...signed].join("\n"));
  await expect(whole(shorter)).rejects.toThrow("not over this text");
  writeFileSync(join(shorter, "checkpoint"), kept);
  await expect(whole(shorter)).rejects.toThrow("is missing");
});

test("two entries that change places, two customers' among them, are found and named", async () => {
  const bytes = readFileSync(at("tile/entries/000"));
  const end = 2 + bytes.readUInt16BE(0);
  const second = bytes.subarray(end, end + 2 + bytes.readUInt16BE(end));
  const swapped = Buffer.concat([second, bytes.subarray(0, end), bytes.subarray(end + second.length)]);
  writeFileSync(at("tile/entries/000"), swapped);
  await expect(whole()).rejects.toThrow("Entry 0 is not the one in the tree");
  expect(() => verifyEntry({ folder, key: key() }, 1)).toThrow("Entry 1 is not under the signed root");
});

test("an entry that changes with its hash in the tile: the tile above does not fit", async () => {
  const entries = readFileSync(at("tile/entries/000"));
  const length = entries.readUInt16BE(0);
  entries.write("mops", entries.indexOf("shop"));
  writeFileSync(at("tile/entries/000"), entries);
  const tile = readFileSync(at("tile/0/000"));
  leafHash(entries.subarray(2, 2 + length)).copy(tile);
  writeFileSync(at("tile/0/000"), tile);
  await expect(whole()).rejects.toThrow("tile/1, tile 0, is not made of the tiles below it");
  expect(() => verifyEntry({ folder, key: key() }, 0)).toThrow("Entry 0 is not under the signed root");
});

test("an entry that changes with its hash and all tiles above it: the root is not the signed one", async () => {
  const made = await rewritten(SIZE - 1, SIZE);
  cpSync(at("checkpoint"), join(made, "checkpoint"));
  await expect(whole(made)).rejects.toThrow("another root than the one that was signed");
});

test("whoever signs with a key of their own is not the log", async () => {
  await expect(whole(await rewritten(0, SIZE, logKey("silo/test", seed(66))))).rejects.toThrow(
    /signed by|not over this text/,
  );
  await expect(whole(await rewritten(0, SIZE, logKey("silo/other", seed(66))))).rejects.toThrow(
    "It is not signed by silo/test",
  );
});

test("rewritten with the stolen key of the log: whole in itself, and contradicted by a kept checkpoint", async () => {
  const made = await rewritten(500, SIZE + 100);
  expect((await whole(made)).size).toBe(SIZE + 100);
  expect(() => verifyGrowth({ folder: made, key: key() }, kept)).toThrow(
    "The first 700 entries are not those that the older checkpoint covers",
  );
});

test("rewritten with an old key that was stolen: not the log of the key in force", async () => {
  const made = await rewritten(500, SIZE + 100, KEY);
  const inForce = readKey(logKey("silo/test", seed(2)).verifier);
  await expect(verifyLog({ folder: made, key: inForce }, 1)).rejects.toThrow("It is not signed by");
});

test("last week's disk put back: whole in itself, and contradicted by a kept checkpoint", async () => {
  expect((await whole(lastWeek)).size).toBe(300);
  expect(() => verifyGrowth({ folder: lastWeek, key: key() }, kept)).toThrow("holds 300 entries, but 700 were signed");
});

test("two logs told to two auditors: each whole, and either checkpoint contradicts the other's log", async () => {
  const fork = await rewritten(600, SIZE);
  const theirs = readFileSync(join(fork, "checkpoint"), "utf8");
  expect((await whole(fork)).size).toBe(SIZE);
  expect(() => verifyGrowth({ folder, key: key() }, theirs)).toThrow("the log was rewritten, or there are two of it");
  expect(() => verifyGrowth({ folder: fork, key: key() }, kept)).toThrow(
    "the log was rewritten, or there are two of it",
  );
});

test("a proof of one entry is none of another, nor at another place, nor under another head", () => {
  const { entry, proof } = verifyEntry({ folder, key: key() }, 5);
  const other = verifyEntry({ folder, key: key() }, 6);
  const base = { index: 5, entry, proof, checkpoint: kept };
  for (const wrong of [
    { entry: other.entry },
    { index: 6 },
    { proof: other.proof },
    { checkpoint: readFileSync(join(lastWeek, "checkpoint"), "utf8") },
  ])
    expect(() => verifyProof(writeProof({ ...base, ...wrong }), key())).toThrow("not the one");
  expect(() => verifyProof(writeProof(base).replace("index 5", "index 05"), key())).toThrow("no proof");
});

test("on several threads the verdict is the same", async () => {
  const many = openLogWorld();
  try {
    many.add(40_000);
    await many.publisher.tend();
    const log = { folder: many.folder, key: key() };
    expect((await verifyLog(log, 2)).size).toBe(40_000);
    const bundle = join(many.folder, "tile/entries/130");
    const bytes = readFileSync(bundle);
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    writeFileSync(bundle, bytes);
    await expect(verifyLog(log, 2)).rejects.toThrow(`Entry ${130 * 256} is not the one in the tree`);
  } finally {
    await many.close();
  }
});
