import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readKey } from "../../../console/audit/note.ts";
import { keysOf, verifyGrowth, verifyLog } from "../../../console/audit/verify.ts";
import { openLogKeys, tellKey } from "../../../kernel/audit/keys.ts";
import { logSize } from "../../../kernel/audit/log.ts";
import { openPublisher } from "../../../kernel/audit/publish.ts";
import { groupCommit } from "../../../kernel/commit.ts";
import { openStore } from "../../../kernel/store.ts";
import { memoryKeystore } from "../world.ts";
import { addTo } from "./log-world.ts";

let root: string;
let secrets: Map<string, Uint8Array>;
let life: ReturnType<typeof open>;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silo-log-keys-"));
  secrets = new Map();
  life = open();
});
afterEach(async () => {
  await life.store.close();
  rmSync(root, { recursive: true, force: true });
});

const folder = () => join(root, "audit");
const at = (path: string) => join(folder(), path);
const checkpoint = () => readFileSync(at("checkpoint"), "utf8");
const verified = (verifier: string) => verifyLog({ folder: folder(), key: readKey(verifier) }, 1);

function open() {
  const store = openStore(join(root, "kernel"));
  const keys = openLogKeys(memoryKeystore(secrets), store);
  const { commit } = groupCommit(store);
  const core = { store, commit, now: () => 1_800_000_000_000 + logSize(store) };
  const publisher = openPublisher({ store, commit, folder: folder(), keys });
  store.transaction(() => tellKey(core, keys.current()));
  return { store, keys, core, publisher };
}

async function restart(): Promise<void> {
  await life.store.close();
  life = open();
}

async function rotate(): Promise<string> {
  addTo(life.store, 300, "shop");
  await life.publisher.tend();
  await life.keys.rotate(life.core, "admin");
  await life.publisher.tend();
  addTo(life.store, 10, "shop");
  await life.publisher.tend();
  return life.keys.current().verifier;
}

test("given the first key the verifier follows through every replacement; given a later one it says from where", async () => {
  const first = life.keys.current().verifier;
  const [second, third] = [await rotate(), await rotate()];
  expect(new Set([first, second, third]).size).toBe(3);
  for (const [key, count] of [
    [first, 3],
    [second, 2],
    [third, 1],
  ] as const) {
    expect((await verified(key)).size).toBe(logSize(life.store));
    expect(keysOf({ folder: folder(), key: readKey(key) }).keys).toHaveLength(count);
  }
  const begins = [first, second, third].map((key) => keysOf({ folder: folder(), key: readKey(key) }).since);
  expect(begins).toEqual([0, 301, 612]);
  expect(life.store.audit.get(612)?.entry).toContain('"who":"admin"');
  expect(readFileSync(at("key"), "utf8").trim()).toBe(first);
});

test("a checkpoint of an earlier key still contradicts a log that does not go on from it", async () => {
  addTo(life.store, 5, "shop");
  await life.publisher.tend();
  const [first, older] = [life.keys.current().verifier, checkpoint()];
  await rotate();
  expect(verifyGrowth({ folder: folder(), key: readKey(first) }, older).size).toBe(6);
  const other = older.replace(/^(silo.*\n)6\n/, "$17\n");
  expect(() => verifyGrowth({ folder: folder(), key: readKey(first) }, other)).toThrow("is not over this text");
});

test("whoever holds the disk cannot hand the log over to a key of theirs", async () => {
  const first = life.keys.current().verifier;
  await rotate();
  const genuine = readFileSync(at("handover/0"), "utf8");
  const forged = await forgedHandover();
  writeFileSync(at("handover/0"), forged);
  await expect(verified(first)).rejects.toThrow("It is not signed by");
  writeFileSync(at("handover/0"), genuine.replace(/^entry .*/, forged.split("\n")[0] as string));
  await expect(verified(first)).rejects.toThrow("The entry in handover/0 is not the one");
  writeFileSync(at("handover/0"), genuine.replace(/— .*\n$/, ""));
  await expect(verified(first)).rejects.toThrow("It is not signed by");
  rmSync(at("handover/0"));
  await expect(verified(first)).rejects.toThrow("It is not signed by");
});

/** What another log of the same name would say. */
async function forgedHandover(): Promise<string> {
  const [mine, where, kept] = [life, root, secrets];
  [root, secrets] = [mkdtempSync(join(tmpdir(), "silo-log-forged-")), new Map()];
  life = open();
  await rotate();
  const text = readFileSync(at("handover/0"), "utf8");
  await life.store.close();
  rmSync(root, { recursive: true });
  [life, root, secrets] = [mine, where, kept];
  return text;
}

test("what outsiders follow by is made again when it is missing", async () => {
  const first = life.keys.current().verifier;
  await rotate();
  rmSync(at("handover/0"));
  await restart();
  await life.publisher.tend();
  await expect(verified(first)).resolves.toBeDefined();
});

test("a crash between any two steps leaves one key that signs, and a log that verifies", async () => {
  const first = life.keys.current().verifier;
  addTo(life.store, 5, "shop");
  await life.publisher.tend();
  // Before the entry: the next key is given up.
  const before = new Map(secrets);
  await life.keys.rotate(life.core, "admin");
  const both = new Map(secrets);
  await life.publisher.tend();
  const second = life.keys.current().verifier;
  // Taken in the store, and the keystore still holds both.
  secrets.clear();
  for (const [name, secret] of both) secrets.set(name, secret);
  await restart();
  expect(life.keys.current().verifier).toBe(second);
  await expect(verified(first)).resolves.toBeDefined();
  // A next key without its entry.
  const [current] = [...secrets.values()];
  secrets.set("log", Buffer.concat([current as Uint8Array, before.get("log") as Uint8Array]));
  await restart();
  expect(life.keys.handover()).toBeNull();
  expect(life.keys.current().verifier).toBe(second);
  // Begun, and not under a checkpoint of both yet.
  await life.keys.rotate(life.core, "admin");
  expect(await life.keys.rotate(life.core, "admin")).toMatchObject({ end: "later" });
  await restart();
  await life.publisher.tend();
  expect(life.keys.current().verifier).not.toBe(second);
  expect((await verified(first)).size).toBe(logSize(life.store));
});

test("a store that is behind a checkpoint of an earlier key does not start", async () => {
  addTo(life.store, 50, "shop");
  await life.publisher.tend();
  const old = checkpoint();
  await rotate();
  writeFileSync(at("checkpoint"), old);
  await restart(); // the folder is behind: nothing is wrong
  const { store, keys } = life;
  store.transaction(() => {
    for (let index = 40; index < logSize(store); ) store.audit.remove(logSize(store) - 1);
    store.meta.remove("audit_head");
  });
  const parts = { store, commit: life.core.commit, folder: folder(), keys };
  expect(() => openPublisher(parts)).toThrow("was put back to an earlier state");
});

test("a damaged secret is no key", async () => {
  secrets.set("log", Buffer.alloc(31));
  expect(() => openLogKeys(memoryKeystore(secrets), life.store)).toThrow("damaged");
});
