/** What a SIEM has of the log proves itself, and every way to lose or change something of it is found. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyExport } from "../../../console/audit/exported.ts";
import { readKey } from "../../../console/audit/note.ts";
import { receivedIn } from "../../../console/audit/received.ts";
import { ENTRY_VERSION } from "../../../kernel/abi/entry.ts";
import { canonical } from "../../../kernel/abi/json.ts";
import { logKey } from "../../../kernel/audit/note.ts";
import { formats } from "../../../proxies/siem/formats.ts";
import { beginning, checkpointOf, readHead, readPortion } from "../../../proxies/siem/read.ts";
import { KEY, type LogWorld, openLogWorld, seed } from "../../kernel/audit/log-world.ts";

let world: LogWorld;
let scratch: string;
/** 300 entries with a checkpoint behind the first 40 and behind the last. */
let lines: string[];
beforeAll(async () => {
  world = openLogWorld();
  scratch = mkdtempSync(join(tmpdir(), "silo-exported-"));
  lines = [];
  let at = beginning;
  for (const count of [40, 260]) {
    world.add(count);
    await world.publisher.tend();
    const head = readHead(world.folder, KEY.verifier);
    if (head === null) throw new Error("no log");
    while (at.edge.size < head.size) {
      const { records, after } = readPortion(world.folder, head, at);
      lines.push(...records.map((record) => formats.native(record, head.origin)));
      at = after;
    }
    lines.push(
      formats.native(
        { kind: "checkpoint", size: head.size, root: head.root.toString("hex"), note: head.note },
        head.origin,
      ),
    );
  }
});
afterAll(async () => {
  await world.close();
  rmSync(scratch, { recursive: true });
});

function verify(of: readonly string[], key = KEY.verifier) {
  const file = join(scratch, "export");
  writeFileSync(file, of.map((line) => `${line}\n`).join(""));
  return verifyExport(file, readKey(key));
}

test("it proves itself, whatever a receiver puts around an event", () => {
  expect(verify(lines)).toMatchObject({ head: { size: 300 }, entries: 300, again: 0, checkpoints: 2 });
  expect(verify(lines.map((line) => `<110>1 2027 silo - [x] ${line}`)).entries).toBe(300);
  expect(verify(lines.map((line) => `{"time":1,"event":${line}}`)).entries).toBe(300);
});

test.each(["native", "ocsf", "cef"] as const)("as %s a text is read back as it stands in the log", (body) => {
  const hostile = ["\u202e\u200b\u007f\u0085", "\u{e0001}", "\\u202e=|\\\\", 'CEF:0|a rawEvent=x\n{"log":', "\ud800"];
  for (const who of hostile) {
    const text = canonical({ schema: ENTRY_VERSION, time: 1_800_000_000_000, verb: "sign_in", who });
    const record = { kind: "entry" as const, index: 3, leaf: "a".repeat(64), prev: "b".repeat(64), text };
    const { text: raw, ...rest } = record;
    expect(receivedIn(formats[body](record, "silo-test"))).toMatchObject({ ...rest, raw });
  }
});

test.each(["ocsf", "cef"] as const)(
  "as %s it proves itself too, and a byte that was changed is found",
  async (body) => {
    const other = openLogWorld();
    try {
      other.add(305);
      await other.publisher.tend();
      const head = readHead(other.folder, KEY.verifier);
      if (head === null) throw new Error("no log");
      const sent: string[] = [];
      for (let at = beginning; at.edge.size < head.size; ) {
        const { records, after } = readPortion(other.folder, head, at);
        sent.push(...records.map((record) => formats[body](record, head.origin)));
        at = after;
      }
      sent.push(formats[body](checkpointOf(head), head.origin));
      expect(verify(sent)).toMatchObject({ head: { size: 305 }, entries: 305, checkpoints: 1 });
      expect(verify(sent.map((line) => `<110>1 2027 silo - [x] ${line}`)).entries).toBe(305);
      const changed = sent.map((line, at) => (at === 9 ? line.replaceAll("refund-manager", "refund-manages") : line));
      expect(() => verify(changed)).toThrow(/Line 10: entry 9 is not what its hash/);
      expect(() => verify(sent.filter((_, at) => at !== 9))).toThrow(/entry 10 comes where entry 9 should/);
    } finally {
      await other.close();
    }
  },
);

test("what was sent again, and what a receiver was killed in, is no harm", () => {
  const torn = `${lines[120]?.slice(0, 80)}${lines[90]}`;
  expect(verify([...lines.slice(0, 120), torn, ...lines.slice(91)])).toMatchObject({ entries: 300, again: 30 });
  expect(verify([...lines, ...lines])).toMatchObject({ entries: 300, again: 301 });
});

const altered = (at: number, from: string | RegExp, to: string) =>
  lines.map((line, place) => (place === at ? line.replace(from, to) : line));

test.each<[string, () => string[], RegExp]>([
  ["an entry is missing", () => lines.filter((_, at) => at !== 7), /Line 8: entry 8 comes where entry 7 should/],
  [
    "two are swapped",
    () => lines.map((line, at) => (at === 7 ? lines[8] : at === 8 ? lines[7] : line) as string),
    /Line 8: entry 8 comes/,
  ],
  [
    "the end is missing",
    () => [...lines.slice(0, 250), lines.at(-1) as string],
    /covers 300 entries, and there are 249/,
  ],
  ["all is missing but a checkpoint", () => lines.slice(-1), /covers 300 entries, and there are 0/],
  ["no checkpoint is there", () => lines.filter((line) => !line.includes('"checkpoint"')), /no checkpoint/],
  ["a byte of an entry is changed", () => altered(9, "shop", "show"), /Line 10: entry 9 is not what its hash/],
  ["a leaf is changed", () => altered(9, /"leaf":"./, '"leaf":"x'), /Line 10: entry 9 is not what its hash/],
  ["a predecessor is changed", () => altered(9, /"prev":"./, '"prev":"x'), /Line 10: entry 9 is not what its hash/],
  ["a checkpoint says another size", () => altered(40, '"size":40', '"size":39'), /not the one in its note/],
  ["a signature is changed", () => altered(40, /.{6}\\n"}$/, 'AAAA=\\\\n"}'), /signature|signed/],
])("where %s it is found", (_, of, why) => {
  expect(() => verify(of())).toThrow(why);
});

test("entries that hash well but were never signed are found by the checkpoint", async () => {
  const other = openLogWorld();
  try {
    other.add(300, "shap");
    await other.publisher.tend();
    const head = readHead(other.folder, KEY.verifier);
    if (head === null) throw new Error("no log");
    const forged: string[] = [];
    for (let at = beginning; at.edge.size < head.size; ) {
      const { records, after } = readPortion(other.folder, head, at);
      forged.push(...records.map((record) => formats.native(record, head.origin)));
      at = after;
    }
    expect(() => verify([...forged, lines.at(-1) as string])).toThrow(/not those that the checkpoint covers/);
  } finally {
    await other.close();
  }
});

test("with another key it proves nothing", () => {
  expect(() => verify(lines, logKey("silo/test", seed(2)).verifier)).toThrow(/not signed by/);
});
