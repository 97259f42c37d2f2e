/**
 * Who has the disk, as root, against everybody who looks: each attack, and who notices it.
 *
 * copy: `silo audit verify` of a copy of the folder with the public key. kept: the same with a checkpoint that an auditor kept elsewhere.
 * kernel: when it starts on that disk. exporter: before it sends more. receiver: the SIEM's file alone (`--from-export`), after the machine
 * went on for as long as kernel and exporter let it.
 * `mends`: the kernel publishes again what its store holds, and the log is what was signed.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyExport } from "../../../console/audit/exported.ts";
import { readKey } from "../../../console/audit/note.ts";
import { verifyGrowth, verifyLog } from "../../../console/audit/verify.ts";
import { logKey } from "../../../kernel/audit/note.ts";
import { KEY, seed } from "../../kernel/audit/log-world.ts";
import { exported, inStore, kernelOn, type Machine, openScene, type Scene, SIZE } from "./log-scene.ts";

type Seen = "sees" | "mends" | "-";
type Watchers = { copy: Seen; kept: Seen; kernel: Seen; exporter: Seen; receiver: Seen };

const key = readKey(KEY.verifier);
/** A key that signed before the one in force, and was stolen. */
const OLD_KEY = logKey("silo/test", seed(2));
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

async function seen(look: () => unknown): Promise<Seen> {
  try {
    await look();
    return "-";
  } catch {
    return "sees";
  }
}

async function watch(machine: Machine): Promise<Watchers> {
  const { folder, root } = machine;
  const whole = () => verifyLog({ folder, key }, 1);
  const copy = await seen(whole);
  const kept = await seen(() => verifyGrowth({ folder, key }, scene.kept));
  const before = await exported(machine);
  const started = await seen(() => kernelOn(machine));
  const isWhole = started === "-" && (await seen(whole)) === "-";
  const after = started === "-" ? await exported(machine) : { lines: [], refused: null };
  const file = join(root, "received");
  writeFileSync(file, [...scene.received, ...before.lines, ...after.lines].map((line) => `${line}\n`).join(""));
  return {
    copy,
    kept,
    kernel: isWhole && (copy === "sees" || kept === "sees") && (await sameAsBefore(folder)) ? "mends" : started,
    exporter: before.refused === null && after.refused === null ? "-" : "sees",
    receiver: await seen(() => verifyExport(file, key)),
  };
}

async function sameAsBefore(folder: string): Promise<boolean> {
  return (await seen(() => verifyGrowth({ folder, key }, scene.kept))) === "-";
}

/** An entry of a bundle and the one behind it change places. */
function swapInBundle(bytes: Buffer, place: number): Buffer {
  const behind = (at: number) => at + 2 + bytes.readUInt16BE(at);
  let begin = 0;
  for (let passed = 0; passed < place; passed++) begin = behind(begin);
  const [end, next] = [behind(begin), behind(behind(begin))];
  const parts = [
    [0, begin],
    [end, next],
    [begin, end],
    [next, bytes.length],
  ] as const;
  return Buffer.concat(parts.map(([from, to]) => bytes.subarray(from, to)));
}

function change({ folder }: Machine, path: string, to: (bytes: Buffer) => Buffer): void {
  writeFileSync(join(folder, path), to(readFileSync(join(folder, path))));
}

function flip(bytes: Buffer): Buffer {
  bytes[40] = (bytes[40] as number) ^ 1;
  return bytes;
}

/** The machine with another's log, or with all of another's disk. */
function published(of: Machine, on = scene.machine()): Machine {
  rmSync(on.folder, { recursive: true });
  cpSync(of.folder, on.folder, { recursive: true });
  return on;
}
function disk(of: Machine, cursor: "as it was" | "put back"): Machine {
  const on = published(of);
  rmSync(join(on.root, "kernel"), { recursive: true });
  cpSync(join(of.root, "kernel"), join(on.root, "kernel"), { recursive: true });
  if (cursor === "put back") {
    rmSync(join(on.root, "cursor.json"));
    cpSync(join(scene.lastWeek.root, "cursor.json"), join(on.root, "cursor.json"));
  }
  return on;
}

type Row = [name: string, attack: () => Machine | Promise<Machine>, by: Watchers];
const by = (copy: Seen, kept: Seen, kernel: Seen, exporter: Seen, receiver: Seen): Watchers => ({
  ...{ copy, kept, kernel, exporter, receiver },
});

async function withFiles(work: (machine: Machine) => unknown): Promise<Machine> {
  const machine = scene.machine();
  await work(machine);
  return machine;
}

const rows: Row[] = [
  ["nothing", () => scene.machine(), by("-", "-", "-", "-", "-")],
  [
    "the files of the tail are deleted",
    () =>
      withFiles(({ folder }) =>
        ["entries", "0"].map((of) => rmSync(join(folder, `tile/${of}/002.p`), { recursive: true })),
      ),
    by("sees", "sees", "mends", "sees", "-"),
  ],
  [
    "the tail is deleted, and what is left is signed with the stolen key",
    async () => published(await scene.rewritten(SIZE - 20, SIZE - 20)),
    by("-", "sees", "mends", "-", "-"),
  ],
  [
    "the published log is deleted",
    () => withFiles(({ folder }) => rmSync(folder, { recursive: true })),
    by("sees", "sees", "mends", "sees", "-"),
  ],
  [
    "log and store are deleted",
    () => withFiles(({ root }) => ["audit", "kernel"].map((name) => rmSync(join(root, name), { recursive: true }))),
    by("sees", "sees", "-", "sees", "-"),
  ],
  [
    "two entries, of two customers, change places",
    () => withFiles((machine) => change(machine, "tile/entries/001", (bytes) => swapInBundle(bytes, 0))),
    by("sees", "-", "-", "-", "-"),
  ],
  [
    "two of the newest entries change places",
    () => withFiles((machine) => change(machine, "tile/entries/002.p/188", (bytes) => swapInBundle(bytes, 150))),
    by("sees", "-", "mends", "sees", "-"),
  ],
  [
    "one byte of an old hash",
    () => withFiles((machine) => change(machine, "tile/0/001", flip)),
    by("sees", "-", "-", "-", "-"),
  ],
  [
    "one byte of the checkpoint",
    () => withFiles((machine) => change(machine, "checkpoint", flip)),
    by("sees", "sees", "mends", "sees", "-"),
  ],
  [
    "the suffix is rewritten, under a stolen key of earlier",
    async () => published(await scene.rewritten(500, SIZE + 100, OLD_KEY)),
    by("sees", "sees", "mends", "sees", "-"),
  ],
  [
    "the suffix is rewritten, under the stolen key in force",
    async () => published(await scene.rewritten(500, SIZE + 100)),
    by("-", "sees", "sees", "sees", "-"),
  ],
  [
    "the same, and in the kernel's store as well",
    async () => disk(await scene.rewritten(500, SIZE + 100), "as it was"),
    by("-", "sees", "-", "sees", "-"),
  ],
  [
    "the same, and the exporter is made to forget",
    async () => disk(await scene.rewritten(500, SIZE + 100), "put back"),
    by("-", "sees", "-", "-", "sees"),
  ],
  [
    "a fork: as many entries, others since the last export",
    async () => disk(await scene.rewritten(670, SIZE), "as it was"),
    by("-", "sees", "-", "-", "-"),
  ],
  ["last week's log is put back", () => published(scene.lastWeek), by("-", "sees", "mends", "sees", "-")],
  [
    "last week's store is put back",
    () =>
      withFiles(({ root }) => {
        rmSync(join(root, "kernel"), { recursive: true });
        cpSync(join(scene.lastWeek.root, "kernel"), join(root, "kernel"), { recursive: true });
      }),
    by("-", "-", "sees", "-", "-"),
  ],
  [
    "last week's disk is put back, but for the exporter's",
    () => disk(scene.lastWeek, "as it was"),
    by("-", "sees", "-", "sees", "-"),
  ],
  ["last week's disk is put back whole", () => disk(scene.lastWeek, "put back"), by("-", "sees", "-", "-", "sees")],
  [
    "in the store two entries, which are long published, change places",
    () =>
      withFiles((machine) =>
        inStore(machine, ({ audit }) => {
          const [one, two] = [audit.get(10), audit.get(11)];
          if (one === undefined || two === undefined) throw new Error("They are not there.");
          audit.put(10, two);
          audit.put(11, one);
        }),
      ),
    by("-", "-", "-", "-", "-"),
  ],
];

test.each(rows)("%s", { timeout: 120_000 }, async (_, attack, expected) => {
  expect(await watch(await attack())).toEqual(expected);
});
