import { hash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyGrowth, verifyLog } from "../../../console/audit/verify.ts";
import { logKey, noteOf } from "../../../kernel/audit/note.ts";
import { type LogWorld, openLogWorld, seed } from "./log-world.ts";

let world: LogWorld;
beforeEach(() => {
  world = openLogWorld();
});
afterEach(() => world.close());

const verified = async (folder = world.folder) => (await verifyLog({ folder, key: world.verifier }, 1)).size;
const checkpoint = () => readFileSync(join(world.folder, "checkpoint"), "utf8");
const at = (path: string) => join(world.folder, path);

/** Bundles, tiles and heads at every kind of edge: within a tile, at its end, and one behind it. */
const sizes = [1, 2, 255, 256, 257, 511, 512, 3000, 4096, 4097];

test("after every step the folder proves itself, and that it goes on where it was", async () => {
  let before: string | null = null;
  let had = 0;
  for (const size of sizes) {
    world.add(size - had);
    await world.publisher.tend();
    expect(world.publisher.state()).toMatchObject({ published: size, fault: null });
    expect(await verified()).toBe(size);
    if (before !== null) expect(verifyGrowth({ folder: world.folder, key: world.verifier }, before).size).toBe(had);
    before = checkpoint();
    had = size;
  }
});

test("in whatever steps it grows, and however often it is taken up again, files and checkpoint are the same", async () => {
  const other = openLogWorld();
  try {
    other.add(1000);
    await other.publisher.tend();
    for (const count of [1, 200, 55, 1, 300, 443]) {
      world.add(count);
      await world.publisher.tend();
      await world.restart();
    }
    const files = (folder: string) =>
      (readdirSync(folder, { recursive: true, encoding: "utf8" }) as string[])
        .filter((name) => statSync(join(folder, name)).isFile() && !name.includes(".p/"))
        .sort()
        .map((name) => [name, hash("sha256", readFileSync(join(folder, name)))]);
    expect(files(world.folder)).toEqual(files(other.folder));
    expect(files(world.folder).length).toBe(2 * 3 + 2);
  } finally {
    await other.close();
  }
});

test("partial tiles go when the full one is there, and not before", async () => {
  world.add(200);
  await world.publisher.tend();
  expect(existsSync(at("tile/0/000.p/200")) && existsSync(at("tile/entries/000.p/200"))).toBe(true);
  world.add(100);
  await world.publisher.tend();
  expect(existsSync(at("tile/0/000.p")) || existsSync(at("tile/entries/000.p"))).toBe(false);
  expect(statSync(at("tile/0/000")).size).toBe(256 * 32);
});

test("nobody but the kernel and the group of the folder may read it", async () => {
  world.add(1);
  await world.publisher.tend();
  expect(statSync(at("checkpoint")).mode & 0o777).toBe(0o640);
  expect(statSync(at("tile/0/000.p/1")).mode & 0o777).toBe(0o640);
  expect(statSync(at("tile")).mode & 0o007).toBe(0);
});

describe("files are derived: from the store they are made again", () => {
  const damages: [string, () => void][] = [
    ["all of them are gone", () => rmSync(world.folder, { recursive: true })],
    ["the checkpoint is gone", () => rmSync(at("checkpoint"))],
    ["the checkpoint is torn", () => truncateSync(at("checkpoint"), 20)],
    ["a full tile is gone", () => rmSync(at("tile/0/001"))],
    ["a full tile is torn", () => truncateSync(at("tile/0/001"), 100)],
    ["a bundle is gone", () => rmSync(at("tile/entries/001"))],
    ["the partial tile is gone", () => rmSync(at("tile/0/003.p"), { recursive: true })],
    ["the partial tile is another's", () => writeFileSync(at("tile/0/003.p/232"), Buffer.alloc(232 * 32))],
    ["the partial bundle is gone", () => rmSync(at("tile/entries/003.p"), { recursive: true })],
    ["a tile that was never finished lies about", () => writeFileSync(at("tile/0/003.new"), "half")],
    ["a level is gone", () => rmSync(at("tile/1"), { recursive: true })],
  ];
  test.each(damages)("%s", async (_, damage) => {
    world.add(1000);
    await world.publisher.tend();
    const before = checkpoint();
    damage();
    await world.restart();
    await world.publisher.tend();
    expect(checkpoint()).toBe(before);
    expect(await verified()).toBe(1000);
    world.add(10);
    await world.publisher.tend();
    expect(await verified()).toBe(1010);
  });
});

test("what cannot be written is said, nothing is signed, and it goes on when it can", async () => {
  world.add(300);
  await world.publisher.tend();
  const before = checkpoint();
  rmSync(at("tile/0/001.p"), { recursive: true });
  writeFileSync(at("tile/0/001.p"), "in the way");
  world.add(10);
  await world.publisher.tend();
  expect(world.publisher.state().fault).toMatch(/is tried again: .*001\.p/);
  expect([checkpoint(), world.publisher.state().published]).toEqual([before, 300]);
  rmSync(at("tile/0/001.p"));
  await world.publisher.tend();
  expect(world.publisher.state()).toMatchObject({ fault: null, published: 310 });
  expect(await verified()).toBe(310);
});

describe("what was signed is never contradicted", () => {
  test("a store that was put back to an earlier state is refused while the folder knows better", async () => {
    world.add(300);
    await world.publisher.tend();
    await world.store.close();
    rmSync(join(world.root, "kernel"), { recursive: true });
    await expect(world.restart()).rejects.toThrow(
      /over 300 entries was signed, and the store \(0 entries\) knows nothing of it/,
    );
  });

  test("a store with other entries than were signed signs nothing more", async () => {
    world.add(300);
    await world.publisher.tend();
    const before = checkpoint();
    const { entry, leaf } = world.store.audit.get(7) ?? expect.fail("no entry");
    world.store.transaction(() => {
      world.store.audit.put(7, world.store.audit.get(8) ?? expect.fail("no entry"));
      world.store.audit.put(8, { entry, leaf });
    });
    rmSync(at("tile"), { recursive: true });
    await world.restart();
    world.add(10);
    await world.publisher.tend();
    expect(world.publisher.state().fault).toContain("first 300 entries are not those that were signed");
    expect(checkpoint()).toBe(before);
  });

  test("an entry that was altered in the store is not signed", async () => {
    world.add(3);
    world.store.transaction(() => {
      const record = world.store.audit.get(1) ?? expect.fail("no entry");
      world.store.audit.put(1, { ...record, entry: record.entry.replace("shop", "mops") });
    });
    await world.publisher.tend();
    expect(world.publisher.state()).toMatchObject({
      published: 0,
      fault: expect.stringContaining("entry 1 of the store was altered"),
    });
    expect(existsSync(at("checkpoint"))).toBe(false);
  });

  test("a checkpoint that another key signed says nothing, and is replaced", async () => {
    world.add(5);
    const other = logKey("silo/test", seed(9));
    mkdirSync(world.folder, { recursive: true });
    writeFileSync(at("checkpoint"), noteOf("silo/test\n999\nAAAA\n", [other]));
    await world.restart();
    await world.publisher.tend();
    expect(await verified()).toBe(5);
  });
});

test("a folder that cannot be written at all loses nothing", async () => {
  world.add(5);
  mkdirSync(world.folder);
  writeFileSync(at("tile"), "in the way");
  chmodSync(world.folder, 0o750);
  await world.publisher.tend();
  expect(world.publisher.state().fault).not.toBeNull();
  rmSync(at("tile"));
  await world.publisher.tend();
  expect(await verified()).toBe(5);
});
