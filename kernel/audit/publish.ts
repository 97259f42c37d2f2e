/**
 * Makes the log provable: tiles and a signed checkpoint from what the store already holds, after the commit, in the background.
 *
 * Threat: a checkpoint says something that is not on disk, or two checkpoints of one size say different things: outsiders then hold us for
 * liars, and rightly. A store that was put back to an earlier state would do just that.
 * Contract: tiles before the checkpoint in the store, that before the file; a checkpoint covers committed entries alone. What was signed is never
 * contradicted: at a start the last checkpoint is held against the store, and tiles that are missing are made again from it.
 * Failure: a store behind its own checkpoint, or with other entries than were signed, throws `ConfigError`: the kernel does not start. What
 * cannot be written is said by `state`, and tried again.
 */
import type { Commit } from "../commit.ts";
import { ConfigError } from "../process/config.ts";
import type { Store } from "../store.ts";
import { type Head, readHead, signHead } from "./checkpoint.ts";
import type { Handover, LogKeys } from "./keys.ts";
import { leafHash, logSize } from "./log.ts";
import type { PublicLogKey } from "./note.ts";
import * as tiles from "./tiles.ts";
import { emptyTree, grow, partialTiles, rootOf, TILE_WIDTH, type Tree } from "./tree.ts";

export type Publisher = {
  /** Publishes what is new; settles when that has been tried. */
  tend(): Promise<void>;
  state: () => { published: number; key: string; fault: string | null };
};

type Parts = { store: Pick<Store, "audit" | "meta">; commit: Commit; folder: string; keys: LogKeys };

/** Where the store keeps the last checkpoint. */
const HEAD = "audit_head";
/** Bundles that are made in one go; between them others have their turn. */
const BUNDLES_MAX = 8;

/** Takes up the log where it was left. Throws `ConfigError` where the store contradicts what was signed. */
export function openPublisher({ store, commit, folder, keys }: Parts): Publisher {
  let head = store.meta.get(HEAD) as Head | undefined;
  refuseOlder(folder, [...keys.earlier(), keys.current()], head, logSize(store));
  let tree = startTree(folder, head);
  /** Of which all files are there. */
  let published = tree.size;
  let fault: string | null = null;
  /** Whether every hand-over of the key is there for outsiders. */
  let followable = false;
  let tending: Promise<void> | null = null;

  async function publish(): Promise<void> {
    const size = logSize(store);
    if (!followable) await writeHandovers();
    while (tree.size < size) await extend(Math.min(size, bundleEnd(tree.size)));
    const handover = keys.handover();
    const isNew = head?.size !== size || handover !== null;
    if (isNew || published !== size) await tiles.write(folder, edgeFiles(store, tree, published));
    if (isNew) {
      const next = signHead(keys.current(), tree, handover === null ? [] : [handover.key]);
      await commit(() => store.meta.put(HEAD, next));
      head = next;
    }
    if (handover !== null && head !== undefined) await handOver(handover, head);
    if (head !== undefined && tiles.readText(folder, tiles.CHECKPOINT) !== head.note)
      await tiles.write(folder, [
        fileOf(tiles.CHECKPOINT, head.note),
        fileOf(tiles.KEY, `${(keys.earlier()[0] ?? keys.current()).verifier}\n`),
      ]);
    await removeFilled(folder, published, size);
    published = size;
  }

  /** Both have signed: outsiders can follow, so the next key signs alone from here on. */
  async function handOver(handover: Handover, { note }: Head): Promise<void> {
    const { entry } = store.audit.get(handover.index) ?? { entry: "" };
    const text = `entry ${Buffer.from(entry).toString("base64")}\nindex ${handover.index}\n\n${note}`;
    await tiles.write(folder, [fileOf(tiles.handoverPath(keys.told().length), text)]);
    await commit(() => keys.take(handover, text));
    keys.forget();
  }

  async function writeHandovers(): Promise<void> {
    const files = keys.told().map((text, n) => fileOf(tiles.handoverPath(n), text));
    const missing = files.filter(({ path }) => tiles.readText(folder, path) === null);
    await tiles.write(folder, missing);
    followable = true;
  }

  /** Makes the tree larger, up to `end` or to the last checkpoint, whichever comes first. */
  async function extend(end: number): Promise<void> {
    const signed = head !== undefined && tree.size < head.size ? head : null;
    const to = Math.min(end, signed?.size ?? end);
    const { files, leaves } = read(store, tree.size, to);
    const grown = grow(tree, leaves);
    await tiles.write(folder, [...files, ...grown.full.map(tiles.tileFile)]);
    if (signed?.size === to) refuseOther(grown.tree, signed);
    tree = grown.tree;
  }

  return {
    tend() {
      tending ??= publish()
        .then(() => {
          fault = null;
        })
        .catch((error: Error) => {
          fault = `The audit log is not published, which is tried again: ${error.message}`;
        })
        .finally(() => {
          tending = null;
        });
      return tending;
    },
    state: () => ({ published: head?.size ?? 0, key: keys.current().verifier, fault }),
  };
}

/** The folder outlives a store that was put back: what it was signed for is then no longer there. */
function refuseOlder(folder: string, keys: readonly PublicLogKey[], head: Head | undefined, size: number): void {
  const note = tiles.readText(folder, tiles.CHECKPOINT) ?? "";
  const told = keys.map((key) => readHead(key, note)).find((read) => read !== null) ?? null;
  const newest = Math.max(told?.size ?? 0, head?.size ?? 0);
  const same = told === null || head === undefined || told.size !== head.size || told.root === head.root;
  if ((told?.size ?? 0) <= (head?.size ?? 0) && newest <= size && same) return;
  throw new ConfigError(
    `A checkpoint of the audit log over ${newest} entries was signed, and the store (${size} entries) knows nothing of it: it was put back to an ` +
      `earlier state. Put the newer store back. If it is lost, move ${folder} away: whoever holds a checkpoint will see that entries are missing.`,
  );
}

function startTree(folder: string, head: Head | undefined): Tree {
  const tree = head === undefined ? null : tiles.readTree(folder, head.size);
  return tree !== null && rootOf(tree).toString("base64") === head?.root ? tree : emptyTree;
}

function refuseOther(tree: Tree, signed: Head): void {
  if (rootOf(tree).toString("base64") === signed.root) return;
  throw new Error(`the store's first ${signed.size} entries are not those that were signed; restore the store.`);
}

function bundleEnd(size: number): number {
  return (Math.floor(size / TILE_WIDTH) + BUNDLES_MAX) * TILE_WIDTH;
}

/** The leaves from `from` to `to`, and the bundles that are full with them. */
function read(store: Pick<Store, "audit">, from: number, to: number): { files: tiles.File[]; leaves: Buffer[] } {
  const first = Math.floor(from / TILE_WIDTH);
  const rows = store.audit.between(first * TILE_WIDTH, to);
  if (rows.length !== to - first * TILE_WIDTH) throw new Error("entries are missing from the store.");
  const leaves = rows.slice(from - first * TILE_WIDTH).map(({ key, value }) => {
    if (leafHash(value.entry) !== value.leaf) throw new Error(`the entry ${String(key)} of the store was altered.`);
    return Buffer.from(value.leaf, "hex");
  });
  const files: tiles.File[] = [];
  for (let index = first; (index + 1) * TILE_WIDTH <= to; index++) {
    const begin = (index - first) * TILE_WIDTH;
    const entries = rows.slice(begin, begin + TILE_WIDTH).map(({ value }) => value.entry);
    files.push(tiles.bundleFile(index, entries));
  }
  return { files, leaves };
}

/** The files at the right edge which the tree of size `before` did not have. */
function edgeFiles(store: Pick<Store, "audit">, tree: Tree, before: number): tiles.File[] {
  const grown = (level: number) => hashesAt(level, before) !== hashesAt(level, tree.size);
  const files = partialTiles(tree)
    .filter(({ level }) => grown(level))
    .map(tiles.tileFile);
  const last = Math.floor(tree.size / TILE_WIDTH);
  const rows = store.audit.between(last * TILE_WIDTH, tree.size);
  const bundle =
    rows.length === 0
      ? []
      : [
          tiles.bundleFile(
            last,
            rows.map(({ value }) => value.entry),
          ),
        ];
  return [...bundle, ...files];
}

async function removeFilled(folder: string, before: number, size: number): Promise<void> {
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const last = hashesAt(level + 1, before);
    if (hashesAt(level + 1, size) === last) continue;
    await tiles.removePartial(folder, level, last);
    if (level === 0) await tiles.removePartial(folder, "entries", last);
  }
}

/** How many hashes a tree of `size` leaves has at a level. */
function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

function fileOf(path: string, text: string): tiles.File {
  return { path, bytes: Buffer.from(text) };
}
