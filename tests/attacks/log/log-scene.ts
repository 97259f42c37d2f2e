/** A machine's disk as root finds it: the kernel's store, the published log, and the exporter's cursor; and what a SIEM has had from it so far. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { logSize } from "../../../kernel/audit/log.ts";
import type { LogKey } from "../../../kernel/audit/note.ts";
import { openStore, type Store } from "../../../kernel/store.ts";
import type { Event } from "../../../proxies/siem/event.ts";
import { formats } from "../../../proxies/siem/formats.ts";
import { type Pump, startPump } from "../../../proxies/siem/pump.ts";
import type { Sink } from "../../../proxies/siem/sink.ts";
import { KEY, type LogWorld, openLogWorld } from "../../kernel/audit/log-world.ts";

/** Entries a week ago, when they were last exported, and now. */
export const WEEK = 300;
export const EXPORTED = 650;
export const SIZE = 700;
/** Two customers' frontends take turns; `who` else says it was somebody else. */
const CUSTOMERS = ["shop-anna", "shop-bert"] as const;

export type Machine = { root: string; folder: string };
export const machineAt = (root: string): Machine => ({ root, folder: join(root, "audit") });

export type Scene = {
  root: string;
  /** The checkpoint over SIZE entries, on the auditor's own machine. */
  kept: string;
  /** What the SIEM has: everything up to EXPORTED, with the checkpoint over it. */
  received: readonly string[];
  lastWeek: Machine;
  /** A copy of the machine's disk. */
  machine(): Machine;
  /** Another machine with the same beginning up to `from` and another history behind it. */
  rewritten(from: number, size: number, key?: LogKey): Promise<Machine>;
  close(): void;
};

function add(world: LogWorld, count: number, who: readonly string[] = CUSTOMERS): void {
  for (let at = 0; at < count; at++) world.add(1, who[at % who.length]);
}

async function grow({ root }: Machine, size: number): Promise<void> {
  const world = openLogWorld(root);
  add(world, size - logSize(world.store));
  await world.publisher.tend();
  await world.store.close();
}

export async function openScene(): Promise<Scene> {
  const root = mkdtempSync(join(tmpdir(), "silo-scene-"));
  let copies = 0;
  const received: string[] = [];
  const first = machineAt(join(root, "machine"));
  const lastWeek = machineAt(join(root, "last-week"));
  const exportAll = async () => void received.push(...(await exported(first)).lines);

  await grow(first, WEEK);
  await exportAll();
  cpSync(first.root, lastWeek.root, { recursive: true });
  await grow(first, EXPORTED);
  await exportAll();
  await grow(first, SIZE);

  return {
    root,
    kept: readFileSync(join(first.folder, "checkpoint"), "utf8"),
    received,
    lastWeek,
    machine() {
      const copy = machineAt(join(root, `copy-${copies++}`));
      cpSync(first.root, copy.root, { recursive: true });
      return copy;
    },
    async rewritten(from, size, key = KEY) {
      const other = machineAt(join(root, `rewritten-${copies++}`));
      const world = openLogWorld(other.root);
      await world.restart(key);
      add(world, from);
      add(world, size - from, ["nobody"]);
      await world.publisher.tend();
      await world.store.close();
      return other;
    },
    close: () => rmSync(root, { recursive: true }),
  };
}

/** The kernel starts on that disk, publishes, and logs a little more. Throws where it refuses, or says that it cannot. */
export async function kernelOn({ root }: Machine): Promise<void> {
  const world = openLogWorld(root);
  try {
    await world.publisher.tend();
    add(world, 5, ["afterwards"]);
    await world.publisher.tend();
    const { fault } = world.publisher.state();
    if (fault !== null) throw new Error(fault);
  } finally {
    await world.store.close();
  }
}

/** Changes what the kernel keeps, past the kernel. */
export async function inStore({ root }: Machine, change: (store: Store) => void): Promise<void> {
  const store = openStore(join(root, "kernel"));
  try {
    store.transaction(() => change(store));
  } finally {
    await store.close();
  }
}

/** The exporter runs on that disk until it has nothing to do or refuses: what it sent, and what it says. */
export async function exported({ root, folder }: Machine): Promise<{ lines: string[]; refused: string | null }> {
  const lines: string[] = [];
  const sink: Sink = {
    overlapBytes: 0,
    async send(events: readonly Event[]) {
      lines.push(...events.map(({ line }) => line));
      return { said: "", dropped: 0 };
    },
    lost: () => null,
    close: () => undefined,
  };
  const log = { error: () => undefined, info: () => undefined };
  const parts = { folder, cursor: join(root, "cursor.json"), open: () => sink, format: formats.native };
  const pump: Pump = startPump({ ...parts, now: Date.now, log });
  try {
    for (let tries = 0; tries < 3000; tries++) {
      const { state, problem } = pump.status();
      if (state === "refused") return { lines, refused: problem };
      if (state === "up to date") return { lines, refused: null };
      await sleep(10);
    }
    throw new Error(`The exporter is still ${pump.status().state}.`);
  } finally {
    await pump.stop();
  }
}
