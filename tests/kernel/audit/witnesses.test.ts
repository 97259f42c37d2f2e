/** Cosignatures, made here by the letter of C2SP tlog-cosignature, brought to a log and demanded of it. */
import { createPrivateKey, createPublicKey, hash, sign } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readWitness as readVerifier, verifyWitness } from "../../../console/audit/cosigned.ts";
import { consoleToKernel } from "../../../kernel/abi/console-messages.ts";
import { NOTE_CHARS_MAX, readWitness, WITNESSES_MAX, witnessFault } from "../../../kernel/abi/witness.ts";
import { logSize, readLog } from "../../../kernel/audit/log.ts";
import { logKey, noteOf } from "../../../kernel/audit/note.ts";
import { COSIGNED_MAX, openWitnesses, SKEW_MS, type Witnesses } from "../../../kernel/audit/witnesses.ts";
import { groupCommit } from "../../../kernel/commit.ts";
import { compile } from "../../../kernel/process/schema.ts";
import { KEY, type LogWorld, only, openLogWorld, seed } from "./log-world.ts";

/** Of the last entry that was added, in seconds; the world's clock. */
const NOW = 1_800_000_000;

function witnessOf(name: string, byte: number) {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed(byte)]);
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const bytes = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  const typed = Buffer.concat([Buffer.of(4), bytes]);
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), typed]), "buffer").subarray(0, 4);
  return {
    verifier: `${name}+${id.toString("hex")}+${typed.toString("base64")}`,
    line(text: string, at = NOW) {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(at));
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${at}\n${text}`), key);
      return `— ${name} ${Buffer.concat([id, time, signature]).toString("base64")}\n`;
    },
  };
}

const [one, two, nobody] = [witnessOf("w1.example", 7), witnessOf("w2.example", 8), witnessOf("w3.example", 9)];
const known = [one, two].map(({ verifier }) => readWitness(verifier) ?? expect.fail("no key"));

let world: LogWorld;
let witnesses: Witnesses;
const open = (of = known) => {
  const { store } = world;
  const core = { store, commit: groupCommit(store).commit, now: () => NOW * 1000 };
  const published = () => world.publisher.state().published;
  return openWitnesses({ core, folder: world.folder, keys: only(KEY), witnesses: of, published });
};
beforeEach(() => {
  world = openLogWorld();
  witnesses = open();
});
afterEach(() => world.close());

async function checkpoint(add: number): Promise<string> {
  world.add(add);
  await world.publisher.tend();
  return readFileSync(join(world.folder, "checkpoint"), "utf8");
}
const textOf = (note: string) => note.slice(0, note.indexOf("\n\n") + 1);
const cosigned = (note: string, by = [one], at = NOW) => note + by.map((w) => w.line(textOf(note), at)).join("");
const take = async (note: string) => {
  const end = await witnesses.take(note, "admin");
  await witnesses.tend();
  return end;
};
const files = () => readdirSync(join(world.folder, "cosigned")).sort((a, b) => Number(a) - Number(b));
const entries = () =>
  readLog(world.store, { task: null, from: 0, limit: 1000 }).entries.filter(({ entry }) => entry["verb"] === "cosign");
const seen = (of = one) => verifyWitness({ folder: world.folder, key: world.verifier }, readVerifier(of.verifier));

test("a cosignature is taken, logged with who, published, and proves itself when the log has grown", async () => {
  const note = await checkpoint(300);
  await checkpoint(400);
  expect(await take(cosigned(note))).toEqual({
    end: "done",
    value: { taken: [{ witness: "w1.example", size: 300, at: NOW * 1000 }] },
  });
  expect(entries().map(({ entry }) => entry)).toMatchObject([{ who: "admin", keys: [known[0]?.public], size: 300 }]);
  expect(readFileSync(join(world.folder, "cosigned/300"), "utf8")).toBe(cosigned(note));
  expect(seen()).toEqual({ name: "w1.example", size: 300, at: NOW * 1000 });
  expect(() => seen(two)).toThrow("cosigned by w2.example");
});

test("every size within and at the end of tiles is confirmed by the tree", async () => {
  const notes = [];
  for (const add of [1, 254, 1, 1, 255, 300]) notes.push(await checkpoint(add));
  for (const note of notes) expect((await take(cosigned(note))).end).toBe("done");
  expect(files()).toEqual(["1", "255", "256", "257", "512", "812"]);
});

test("another witness's word comes beside the first; a stranger's is left out", async () => {
  const note = await checkpoint(3);
  await take(cosigned(note, [one]));
  expect(await take(cosigned(note, [one, nobody, two]))).toMatchObject({
    value: { taken: [{ witness: "w2.example" }] },
  });
  expect(readFileSync(join(world.folder, "cosigned/3"), "utf8")).toBe(cosigned(note, [one, two]));
  expect([seen(one).size, seen(two).size]).toEqual([3, 3]);
});

test("what was taken survives a restart, and its files are made again", async () => {
  await take(cosigned(await checkpoint(3)));
  rmSync(join(world.folder, "cosigned"), { recursive: true });
  await world.restart();
  witnesses = open();
  await witnesses.tend();
  expect(seen().size).toBe(3);
});

describe("nothing is kept of", () => {
  let note: string;
  const bytesOf = (by: typeof one) => Buffer.from(by.line(textOf(note)).split(" ")[2] ?? "", "base64");
  const lineOf = (name: string, bytes: Buffer) => `— ${name} ${bytes.toString("base64")}\n`;
  const withOneMore = (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]);
  beforeEach(async () => {
    note = await checkpoint(3);
  });
  afterEach(() => expect([entries(), world.store.meta.get("audit_cosigned")]).toEqual([[], undefined]));

  test.each<[string, string, () => string]>([
    ["no note", "COSIGNED_MALFORMED", () => "hello"],
    ["a line in another spelling", "COSIGNED_MALFORMED", () => cosigned(note).replace(/=*\n$/, "\n")],
    ["a line that is no signature", "COSIGNED_MALFORMED", () => `${cosigned(note)}hello\n`],
    ["a line with something before it", "COSIGNED_MALFORMED", () => `${note}x${one.line(textOf(note))}`],
    ["a line with something behind it", "COSIGNED_MALFORMED", () => cosigned(note).replace(/\n$/, " x\n")],
    ["a line that is cut short", "COSIGNED_MALFORMED", () => cosigned(note).slice(0, -1)],
    ["another name with the witness's key", "WITNESS_UNKNOWN", () => note + one.line(textOf(note)).replace("w1", "w9")],
    ["a signature of a few bytes", "COSIGNATURE_WRONG", () => note + lineOf("w1.example", bytesOf(one).subarray(0, 6))],
    ["a signature with a byte more", "COSIGNATURE_WRONG", () => note + lineOf("w1.example", withOneMore(bytesOf(one)))],
    ["an unknown witness", "WITNESS_UNKNOWN", () => cosigned(note, [nobody])],
    ["a name with another's key", "WITNESS_UNKNOWN", () => cosigned(note, [witnessOf("w1.example", 9)])],
    ["a checkpoint alone", "WITNESS_UNKNOWN", () => note],
    ["a signature over another text", "COSIGNATURE_WRONG", () => note + one.line(textOf(note).replace("3", "4"))],
    ["one right and one wrong", "COSIGNATURE_WRONG", () => cosigned(note, [one]) + two.line("other\n")],
    ["two of one witness", "COSIGNATURE_TWICE", () => cosigned(note, [one]) + one.line(textOf(note), NOW - 1)],
    ["one from the future", "COSIGNATURE_TIME", () => cosigned(note, [one], NOW + SKEW_MS / 1000 + 1)],
    ["one from before the entries", "COSIGNATURE_TIME", () => cosigned(note, [one], NOW - SKEW_MS / 1000 - 1)],
    ["one of no time", "COSIGNATURE_TIME", () => cosigned(note, [one], 0)],
    [
      "another log's",
      "CHECKPOINT_FOREIGN",
      () => cosigned(noteOf("silo/other\n3\nAAAA\n", [logKey("silo/other", seed(5))])),
    ],
    ["a text that only the witness signed", "CHECKPOINT_FOREIGN", () => `${textOf(note)}\n${one.line(textOf(note))}`],
    [
      "another tree under the log's own key",
      "CHECKPOINT_FOREIGN",
      () => cosigned(noteOf(`silo/test\n2\n${textOf(note).split("\n")[2]}\n`, [KEY])),
    ],
    [
      "more than the log has",
      "CHECKPOINT_FOREIGN",
      () => cosigned(noteOf(textOf(note).replace("\n3\n", "\n4\n"), [KEY])),
    ],
  ])("%s", async (_, code, brought) => {
    expect(await take(brought())).toMatchObject({ end: "refused", code });
  });
});

test("a clock may be off by the skew", async () => {
  const note = await checkpoint(1);
  expect((await take(cosigned(note, [one], NOW + SKEW_MS / 1000))).end).toBe("done");
  expect((await take(cosigned(note, [two], NOW - SKEW_MS / 1000))).end).toBe("done");
});

test("what is known already is refused, and not logged again", async () => {
  const note = await checkpoint(3);
  await take(cosigned(note));
  const size = logSize(world.store);
  expect(await take(cosigned(note))).toMatchObject({ code: "COSIGNATURE_TWICE" });
  expect(logSize(world.store)).toBe(size);
});

test(`the oldest of more than ${COSIGNED_MAX} goes, but for a witness's latest word`, async () => {
  await take(cosigned(await checkpoint(1), [two]));
  const first = files();
  for (let count = 1; count < COSIGNED_MAX; count++) await take(cosigned(await checkpoint(1)));
  const full = files();
  expect(full.length).toBe(COSIGNED_MAX);
  await take(cosigned(await checkpoint(1)));
  expect(files().length).toBe(COSIGNED_MAX);
  expect(files()).toEqual(expect.arrayContaining(first));
  expect(files()).not.toContain(full[1]);
  expect(seen(two).size).toBe(1);
});

test("the verifier finds a changed cosignature, and a log that lost what a witness saw", async () => {
  const note = await checkpoint(3);
  await take(cosigned(note));
  writeFileSync(join(world.folder, "cosigned/3"), note + one.line("other\n"));
  expect(() => seen()).toThrow("not over this text");
  const lost = noteOf(textOf(note).replace("\n3\n", "\n4\n"), [KEY]);
  writeFileSync(join(world.folder, "cosigned/4"), cosigned(lost));
  expect(() => seen()).toThrow("its end was removed");
});

test("keys of witnesses are of their own type, and bounded", () => {
  expect(witnessFault([one.verifier])).toBeUndefined();
  expect(witnessFault([one.verifier, KEY.verifier])).toMatch(/^\/witnesses\/1 /);
  expect(readWitness(one.verifier.replace("w1", "w2"))).toBeNull();
  expect(() => readVerifier(KEY.verifier)).toThrow("type 4");
  expect(COSIGNED_MAX).toBeGreaterThan(WITNESSES_MAX);
  const check = compile(consoleToKernel.audit_cosign.request);
  expect([NOTE_CHARS_MAX, NOTE_CHARS_MAX + 1].map((chars) => check({ note: "n".repeat(chars) }).ok)).toEqual([
    true,
    false,
  ]);
});
