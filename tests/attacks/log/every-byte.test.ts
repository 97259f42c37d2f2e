/** One byte of the published log is another, is gone, or is one too many: no file of it holds a byte that says nothing. */
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readKey } from "../../../console/audit/note.ts";
import { verifyLog } from "../../../console/audit/verify.ts";
import { type LogWorld, openLogWorld } from "../../kernel/audit/log-world.ts";

const SMALL = 2;
/** A full tile at level 1, and so a tile at level 2, with partial ones beside them. */
const LARGE = 256 * 256 + 300;
let small: LogWorld;
let large: LogWorld;
beforeAll(async () => {
  [small, large] = [openLogWorld(), openLogWorld()];
  small.add(SMALL);
  await small.publisher.tend();
  large.add(LARGE);
  await large.publisher.tend();
});
afterAll(async () => {
  await small.close();
  await large.close();
});

function filesOf({ folder }: LogWorld): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
}

/** As somebody verifies who has the key from this folder alone: a key that changed is found as well. */
const verify = async ({ folder }: LogWorld) =>
  verifyLog({ folder, key: readKey(readFileSync(join(folder, "key"), "utf8").trim()) }, 1);

/** The newline behind the key is no part of it. */
const lengthOf = (path: string, bytes: Buffer) => bytes.length - (path === "key" ? 1 : 0);

async function withChange({ folder }: LogWorld, path: string, change: (bytes: Buffer) => Buffer, then: () => unknown) {
  const file = join(folder, path);
  const bytes = readFileSync(file);
  writeFileSync(file, change(Buffer.from(bytes)));
  try {
    await then();
  } finally {
    writeFileSync(file, bytes);
  }
}

const without = (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
const doubled = (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)]);
function other(bytes: Buffer, at: number, by: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ by;
  return bytes;
}

test("the files are those of a log, at every level, full and partial", () => {
  expect(filesOf(small)).toEqual(["checkpoint", "key", `tile/0/000.p/${SMALL}`, `tile/entries/000.p/${SMALL}`]);
  const names = filesOf(large);
  for (const name of ["tile/0/000", "tile/0/257.p/44", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"])
    expect(names).toContain(name);
  for (const name of ["tile/entries/000", "tile/entries/256", "tile/entries/257.p/44"]) expect(names).toContain(name);
});

test("each byte of each file of a small log: changed, removed, doubled", { timeout: 300_000 }, async () => {
  expect((await verify(small)).size).toBe(SMALL);
  let tried = 0;
  for (const path of filesOf(small)) {
    const bytes = readFileSync(join(small.folder, path));
    for (let at = 0; at < lengthOf(path, bytes); at++) {
      for (const change of [
        (now: Buffer) => other(now, at, 1),
        (now: Buffer) => other(now, at, 0x20),
        (now: Buffer) => other(now, at, 0x80),
        (now: Buffer) => without(now, at),
        (now: Buffer) => doubled(now, at),
      ]) {
        tried++;
        await withChange(small, path, change, () =>
          expect(verify(small), `${path}, byte ${at}`).rejects.toThrow(expect.objectContaining({ name: "Unproven" })),
        );
      }
    }
  }
  expect(tried).toBeGreaterThan(3000);
  expect((await verify(small)).size).toBe(SMALL);
});

test("any byte of any file of a large log, at every level", { timeout: 300_000 }, async () => {
  const kinds = [
    ...["checkpoint", "tile/0/000", "tile/0/256", "tile/0/257.p/44", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"],
    ...["tile/entries/000", "tile/entries/131", "tile/entries/257.p/44"],
  ];
  const chosen = fc.oneof(fc.constantFrom(...kinds), fc.constantFrom(...filesOf(large)));
  await fc.assert(
    fc.asyncProperty(chosen, fc.nat(2 ** 20), fc.integer({ min: 1, max: 255 }), async (path, where, by) => {
      const at = where % lengthOf(path, readFileSync(join(large.folder, path)));
      await withChange(
        large,
        path,
        (bytes) => other(bytes, at, by),
        () => expect(verify(large), `${path}, byte ${at}`).rejects.toThrow(),
      );
    }),
    { numRuns: 20 },
  );
  expect((await verify(large)).size).toBe(LARGE);
});

test("a file more is no part of the log: whatever it says, the log is what it was", async () => {
  const copy = { ...small, folder: small.copy("with-more") };
  cpSync(join(copy.folder, `tile/0/000.p/${SMALL}`), join(copy.folder, "tile/0/001"));
  writeFileSync(join(copy.folder, "tile/entries/000"), "an entry of somebody else's");
  expect((await verify(copy)).size).toBe(SMALL);
});
