/** A log of the kernel's own parts, with entries as calls make them, on the disk the kernel's store is on. */
import { hash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { logSize } from "../../kernel/audit/log.ts";
import { logKey } from "../../kernel/audit/note.ts";
import { openPublisher, type Publisher } from "../../kernel/audit/publish.ts";
import { type Commit, groupCommit } from "../../kernel/commit.ts";
import { note } from "../../kernel/core.ts";
import { openStore, type Store } from "../../kernel/store.ts";
import { only } from "../kernel/audit/log-world.ts";

export type BenchLog = { folder: string; store: Store; commit: Commit; publisher: Publisher; close(): Promise<void> };

/** Below it, a folder a log; beside those, the floor's file. */
export const LOGS = "/var/silo/bench-audit";
const KEY = logKey("silo/bench", Buffer.alloc(32, "bench"));
/** Entries in one transaction while a log is made. */
const BATCH = 5000;
/** Entries one task leaves. */
const TASK_ENTRIES = 12;
/** Time of the first entry (ms). */
const BEGUN = 1_800_000_000_000;

/** An empty log. */
export function openLog(name: string): BenchLog {
  const root = join(LOGS, name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const store = openStore(join(root, "kernel"));
  const { commit } = groupCommit(store);
  const folder = join(root, "audit");
  const publisher = openPublisher({ store, commit, folder, keys: only(KEY) });
  const close = async () => {
    await store.close();
    rmSync(root, { recursive: true, force: true });
  };
  return { folder, store, commit, publisher, close };
}

/** A published log of so many entries. */
export async function makeLog(name: string, size: number): Promise<BenchLog> {
  const log = openLog(name);
  while (logSize(log.store) < size) {
    log.store.transaction(() => {
      for (let at = 0; at < BATCH; at++) noteCall(log.store);
    });
  }
  await publish(log);
  return log;
}

/** Everything that is in the store is under a checkpoint then. Throws where it could not be. */
export async function publish({ publisher }: BenchLog): Promise<void> {
  await publisher.tend();
  const { fault } = publisher.state();
  if (fault !== null) throw new Error(fault);
}

/** So many entries from so many writers at once, each of which waits until its entry is durable before it writes the next. */
export async function write({ store, commit }: BenchLog, writers: number, entries: number): Promise<void> {
  let begun = 0;
  const one = async () => {
    while (begun++ < entries) await commit(() => noteCall(store));
  };
  await Promise.all(Array.from({ length: writers }, one));
}

/** The entry of one call that was allowed. Inside a transaction. */
function noteCall(store: Store): void {
  const index = logSize(store);
  const ids = hash("sha256", `task ${Math.floor(index / TASK_ENTRIES)}`);
  note({ store, now: () => BEGUN + index }, "intend", {
    task: `task_${ids.slice(0, 16)}`,
    case: `case_${ids.slice(16, 32)}`,
    assignment: `asgn_${ids.slice(32, 48)}`,
    cell: `cell_${ids.slice(48, 64)}`,
    role: "refund-agent",
    keys: [ids.slice(0, 22), ids.slice(22, 44)],
    capability: "kv:get",
    epoch: 1,
    step: 1 + (index % TASK_ENTRIES),
    arguments: ids,
    decision: "allowed",
  });
}
