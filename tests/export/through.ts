/** So many events through one receiver while it, and the exporter, are killed and started again; then what the receiver has, proven from its file alone. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Proven, verifyExport } from "../../console/audit/exported.ts";
import type { ExportStatus } from "../../kernel/abi/export.ts";
import { openLogWorld } from "../kernel/audit/log-world.ts";
import { makeCertificates } from "./certificates.ts";
import { makeReceiver, type ReceiverName } from "./receivers.ts";

export type Came = {
  receiver: ReceiverName;
  events: number;
  kills: number;
  /** Of `events`: entries of the log in the receiver's file, each once and in its place. */
  there: number;
  again: number;
  dropped: number;
  rss_mib: number;
  seconds: number;
};

type Status = Omit<ExportStatus, "to" | "format"> & { rss: number };

const ROUNDS = 10;
const END_MS_MAX = 30 * 60_000;
const LOOK_MS = 200;
const MIB = 1024 * 1024;

export async function sendThrough(receiver: ReceiverName, events: number, kills: number): Promise<Came> {
  const root = mkdtempSync(join(tmpdir(), "silo-export-"));
  const world = openLogWorld(join(root, "log"));
  const state = join(root, receiver);
  for (const folder of ["certificates", receiver]) mkdirSync(join(root, folder));
  const sink = await makeReceiver(receiver, state, makeCertificates(join(root, "certificates")));
  const given = JSON.stringify({ folder: world.folder, state, to: sink.to, credential: sink.credential });
  const begun = performance.now();
  let exporter = openExporter(given);
  try {
    await sink.start();
    for (let round = 0, killed = 0; round < ROUNDS; round++) {
      world.add(Math.floor(((round + 1) * events) / ROUNDS) - Math.floor((round * events) / ROUNDS));
      await world.publisher.tend();
      await exporter.until(({ taken }) => taken > (round * events) / ROUNDS);
      for (; killed < Math.floor(((round + 1) * kills) / ROUNDS); killed++) {
        await sink.kill9();
        if (killed % 2 === 1) {
          await exporter.kill9();
          exporter = openExporter(given);
        }
        await sleep(LOOK_MS);
        await sink.start();
      }
    }
    const last = await exporter.until((status) => status.state === "up to date" && status.taken === events);
    const { head, entries, again } = await proven(sink.text, join(root, "received"), world.verifier, events);
    if (head.size !== events) throw new Error(`The last checkpoint of the receiver is over ${head.size} entries.`);
    const seconds = Math.round((performance.now() - begun) / 1000);
    return {
      receiver,
      events,
      kills,
      there: entries,
      again,
      dropped: last.dropped,
      rss_mib: Math.round(last.rss / MIB),
      seconds,
    };
  } finally {
    await exporter.kill9();
    await sink.kill9();
    await world.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** What is taken may be on its way to the file: it is looked at until it is whole, or a minute has passed. */
async function proven(
  text: () => string,
  copy: string,
  key: Parameters<typeof verifyExport>[1],
  size: number,
): Promise<Proven> {
  for (const end = Date.now() + 60_000; ; await sleep(LOOK_MS)) {
    writeFileSync(copy, text());
    try {
      const found = verifyExport(copy, key);
      if (found.head.size === size) return found;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) return verifyExport(copy, key);
  }
}

function openExporter(given: string) {
  const script = new URL("./exporter-inside.ts", import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [script, given], { stdio: ["pipe", "pipe", "inherit"] });
  const lines: Interface = createInterface(child.stdout as NodeJS.ReadableStream);
  return {
    async until(there: (status: Status) => boolean): Promise<Status> {
      for (const end = Date.now() + END_MS_MAX; Date.now() < end; await sleep(LOOK_MS)) {
        child.stdin?.write("\n");
        const [line] = (await once(lines, "line")) as [string];
        const status = JSON.parse(line) as Status;
        if (there(status)) return status;
      }
      throw new Error("The exporter did not get there.");
    },
    async kill9(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
