import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "../../../kernel/abi/ids.ts";
import { CHUNK_SLOTS, MasterKeyError, openCaseKeys, SLOT_BYTES } from "../../../proxies/vault/case-keys.ts";

const master = randomBytes(32);
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-slots-"));
  path = join(folder, "slots");
});
afterEach(() => rmSync(folder, { recursive: true }));

const reopen = () => openCaseKeys(path, master, randomBytes);
const caseId = () => newId("case", randomBytes);

test("a key is the same after the file is opened again, and only under its master key", async () => {
  const keys = reopen();
  const id = caseId();
  const key = await keys.create(id);
  expect(keys.get(id)).toEqual(key);
  keys.close();
  const again = reopen();
  expect(again.get(id)).toEqual(key);
  expect(again.get(caseId())).toBeUndefined();
  again.close();
  expect(() => openCaseKeys(path, randomBytes(32), randomBytes)).toThrow(MasterKeyError);
});

test("the file is its owner's alone and holds no key in the clear", async () => {
  const keys = reopen();
  const key = await keys.create(caseId());
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path).includes(key)).toBe(false);
  keys.close();
});

test("a destroyed key is overwritten in place: no byte of its slot is left", async () => {
  const keys = reopen();
  const id = caseId();
  await keys.create(id);
  const before = readFileSync(path);
  await keys.destroy(id);
  const after = readFileSync(path);
  const at = before.findIndex((byte) => byte !== 0);
  expect(at).toBeGreaterThanOrEqual(0);
  expect(after.every((byte) => byte === 0)).toBe(true);
  expect(keys.get(id)).toBeUndefined();
  await keys.destroy(id);
  keys.close();
  expect(reopen().size).toBe(0);
});

test("the file grows by a chunk at a time and reuses what was destroyed", async () => {
  const keys = reopen();
  const ids = Array.from({ length: CHUNK_SLOTS }, caseId);
  await Promise.all(ids.map((id) => keys.create(id)));
  expect(statSync(path).size).toBe(CHUNK_SLOTS * SLOT_BYTES);
  await keys.destroy(ids[7] as string);
  await keys.create(caseId());
  expect(statSync(path).size).toBe(CHUNK_SLOTS * SLOT_BYTES);
  await keys.create(caseId());
  expect(statSync(path).size).toBe(2 * CHUNK_SLOTS * SLOT_BYTES);
  keys.close();
  const again = reopen();
  expect(again.size).toBe(CHUNK_SLOTS + 1);
  again.close();
});

test("a slot does not open in another place", async () => {
  const keys = reopen();
  const [a, b] = [caseId(), caseId()];
  await keys.create(a);
  await keys.create(b);
  keys.close();
  const bytes = readFileSync(path);
  const slots = [0, 1].map((index) => Buffer.from(bytes.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES)));
  writeFileSync(path, Buffer.concat([slots[1] as Buffer, slots[0] as Buffer, bytes.subarray(2 * SLOT_BYTES)]));
  expect(reopen).toThrow(MasterKeyError);
});

test("a slot written in part is cleared, whichever part it is; a file cut short goes on", async () => {
  const keys = reopen();
  const kept = caseId();
  const key = await keys.create(kept);
  const torn = caseId();
  await keys.create(torn);
  keys.close();
  const whole = readFileSync(path);
  const at =
    SLOT_BYTES *
    [0, 1].findIndex(
      (index) =>
        whole.subarray(index * SLOT_BYTES).indexOf(torn) < SLOT_BYTES &&
        whole.subarray(index * SLOT_BYTES).indexOf(torn) >= 0,
    );
  for (const written of [1, 31, 32, 60, 100, 112]) {
    const bytes = Buffer.from(whole);
    bytes.fill(0, at + written, at + SLOT_BYTES);
    writeFileSync(path, bytes);
    truncateSync(path, whole.length - SLOT_BYTES / 2);
    const again = reopen();
    expect(again.torn).toBe(1);
    expect(again.get(kept)).toEqual(key);
    expect(again.get(torn)).toBeUndefined();
    again.close();
    expect(
      readFileSync(path)
        .subarray(at, at + SLOT_BYTES)
        .every((byte) => byte === 0),
    ).toBe(true);
  }
});

test("kill -9 at any instant: what was said to be made is there, what was said to be destroyed is not", async () => {
  const present = new Map<string, string>();
  const gone = new Set<string>();
  for (let round = 0; round < 8; round++) {
    const lines = await killedWriter(60 + round * 15);
    for (const [verb, id = "", key = ""] of lines.map((line) => line.split(" "))) {
      if (verb === "made") present.set(id, key);
      if (verb === "destroying") present.delete(id); // either way is right until it is said to be done
      if (verb === "destroyed") gone.add(id);
    }
    const keys = reopen();
    for (const [id, key] of present) expect(keys.get(id)?.toString("hex")).toBe(key);
    for (const id of gone) expect(keys.get(id)).toBeUndefined();
    keys.close();
  }
  expect(present.size).toBeGreaterThan(0);
  expect(gone.size).toBeGreaterThan(0);
}, 30_000);

/** Runs the writer for some milliseconds after its first word, kills it and returns its whole lines. */
async function killedWriter(millis: number): Promise<string[]> {
  const program = join(import.meta.dirname, "slot-writer.ts");
  const child = spawn(process.execPath, [program, path, master.toString("hex")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  while (out === "") await sleep(5);
  await sleep(millis);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  return out.split("\n").slice(0, -1);
}
