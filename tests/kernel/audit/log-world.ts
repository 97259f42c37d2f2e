/** A kernel's log on a real store and in a real folder, published as the kernel does. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKey, type Verifier } from "../../../console/audit/note.ts";
import { ENTRY_VERSION } from "../../../kernel/abi/entry.ts";
import type { LogKeys } from "../../../kernel/audit/keys.ts";
import { append, logSize } from "../../../kernel/audit/log.ts";
import { type LogKey, logKey } from "../../../kernel/audit/note.ts";
import { openPublisher, type Publisher } from "../../../kernel/audit/publish.ts";
import { groupCommit } from "../../../kernel/commit.ts";
import { openStore, type Store } from "../../../kernel/store.ts";

export const seed = (byte: number) => Buffer.alloc(32, byte);
export const KEY = logKey("silo/test", seed(1));

/** A key that is never replaced. */
export function only(key: LogKey): LogKeys {
  const never = () => {
    throw new Error("This key is not replaced.");
  };
  const none = { earlier: () => [], told: () => [], handover: () => null };
  return { current: () => key, ...none, take: never, forget: never, rotate: never };
}

export type LogWorld = {
  root: string;
  folder: string;
  store: Store;
  publisher: Publisher;
  verifier: Verifier;
  /** Appends so many entries, numbered on; `who` tells one log from another. */
  add(count: number, who?: string): void;
  /** Takes the log up anew, as after kill -9. */
  restart(key?: LogKey): Promise<void>;
  copy(name: string): string;
  close(): Promise<void>;
};

/** `keysOf`: of a log whose key is replaced; else it is `KEY` for ever. */
export function openLogWorld(
  root = mkdtempSync(join(tmpdir(), "silo-log-")),
  keysOf: (store: Store, key: LogKey) => LogKeys = (_, key) => only(key),
): LogWorld {
  const folder = join(root, "audit");
  const open = (key: LogKey) => {
    const store = openStore(join(root, "kernel"));
    try {
      const keys = keysOf(store, key);
      return { store, publisher: openPublisher({ store, commit: groupCommit(store).commit, folder, keys }) };
    } catch (error) {
      void store.close();
      throw error;
    }
  };
  const world: LogWorld = {
    root,
    folder,
    ...open(KEY),
    verifier: readKey(KEY.verifier),
    add: (count, who = "shop") => addTo(world.store, count, who),
    async restart(key = KEY) {
      await world.store.close();
      Object.assign(world, open(key));
    },
    copy(name) {
      cpSync(folder, join(root, name), { recursive: true });
      return join(root, name);
    },
    async close() {
      await world.store.close().catch(() => undefined);
      rmSync(root, { recursive: true, force: true });
    },
  };
  return world;
}

const PLACE = {
  task: "task_0123456789abcdef",
  case: "case_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  role: "refund-manager",
};

export function addTo(store: Store, count: number, who: string): void {
  store.transaction(() => {
    for (let at = 0; at < count; at++) {
      const time = 1_800_000_000_000 + logSize(store);
      append(store, { schema: ENTRY_VERSION, time, verb: "take", who, ...PLACE });
    }
  });
}
