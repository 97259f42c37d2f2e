/**
 * Proves a log from a copy of its folder and the public key alone: no kernel, no store, no running SiloOS.
 *
 * Threat: whoever holds the machine or its disk changes, removes, adds or reorders what was logged.
 * Contract: done means that the checkpoint is signed by that key and that its root is the root of exactly the entries in the folder; with an older
 * checkpoint, that they begin with all of what that one covered.
 * What it cannot know: whoever has the key can sign another log, and a copy of last week is a log of last week. Both contradict any
 * checkpoint that was kept elsewhere; keep some.
 * Failure: throws `Unproven` with the first thing that is wrong and where.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { checkEntries } from "./entries.ts";
import { followKeys, type Keys, openWithAny } from "./keys.ts";
import { emptyRoot, HASH_BYTES, isIncluded, leafHash } from "./merkle.ts";
import { type Checkpoint, readCheckpoint, splitNote, Unproven, type Verifier } from "./note.ts";
import { readBundle, readLogFile, readTile, TILE_WIDTH } from "./tiles.ts";
import { openTree, perfectRoot, type Tree } from "./tree.ts";

export const CHECKPOINT = "checkpoint";
const NOTE_FORM = "utf8";
/** Fewer bundles than these are not worth a thread each. */
const SHARE_BUNDLES_MIN = 64;

type Log = { folder: string; key: Verifier };

/** The head of the log, signed by the key or one that the log was handed over to from it. */
export function readHead({ folder, key }: Log): Checkpoint {
  const note = readLogFile(folder, CHECKPOINT).toString(NOTE_FORM);
  return openWithAny(note, keysOf({ folder, key }).keys);
}

/** The keys of the log from the one that is known on. */
export function keysOf({ folder, key }: Log): Keys {
  const note = readLogFile(folder, CHECKPOINT).toString(NOTE_FORM);
  return followKeys(folder, key, readCheckpoint(splitNote(note).text).size);
}

/** The whole log, on so many threads. */
export async function verifyLog(log: Log, threads: number): Promise<Checkpoint> {
  const head = readHead(log);
  const { folder } = log;
  let roots = await checkAll(folder, head.size, threads);
  for (let level = 1; roots.length > 0; level++) roots = checkLevel(folder, level, roots);
  refuseOther(openTree(folder, head.size), head);
  return head;
}

/** That the log begins with everything under an older checkpoint. Reads the tiles that takes, not the whole. */
export function verifyGrowth(log: Log, older: string): Checkpoint {
  const [head, before] = [readHead(log), openWithAny(older, keysOf(log).keys)];
  if (before.size > head.size)
    throw new Unproven(
      `The log holds ${head.size} entries, but ${before.size} were signed: its end was removed, or an earlier state of the disk was put back.`,
    );
  const tree = openTree(log.folder, head.size);
  refuseOther(tree, head);
  if (!rootOf(tree, before.size).equals(before.root))
    throw new Unproven(
      `The first ${before.size} entries are not those that the older checkpoint covers: the log was rewritten, or there are two of it.`,
    );
  return before;
}

/** One entry of the log, and the proof that it stands there. */
export function verifyEntry(log: Log, index: number): { head: Checkpoint; entry: Buffer; proof: Buffer[] } {
  const head = readHead(log);
  if (index >= head.size)
    throw new Unproven(`There is no entry ${index}: the checkpoint covers ${head.size}, counted from 0.`);
  const bundle = Math.floor(index / TILE_WIDTH);
  const entries = readBundle(log.folder, bundle, Math.min(TILE_WIDTH, head.size - bundle * TILE_WIDTH));
  const entry = entries[index - bundle * TILE_WIDTH] as Buffer;
  const proof = openTree(log.folder, head.size).inclusion(index);
  if (!isIncluded({ index, start: 0, end: head.size, leaf: leafHash(entry), root: head.root, proof }))
    throw new Unproven(`Entry ${index} is not under the signed root: it was changed, or the tiles were.`);
  return { head, entry, proof };
}

function rootOf(tree: Tree, size: number): Buffer {
  return size === 0 ? emptyRoot : tree.root(0, size);
}

function refuseOther(tree: Tree, { size, root }: Checkpoint): void {
  if (!rootOf(tree, size).equals(root))
    throw new Unproven(`The tiles of ${size} entries have another root than the one that was signed.`);
}

/** The roots of all full tiles of level 0, whose entries were all checked. */
async function checkAll(folder: string, size: number, threads: number): Promise<Buffer> {
  const bundles = Math.ceil(size / TILE_WIDTH);
  const each = Math.max(SHARE_BUNDLES_MIN, Math.ceil(bundles / threads));
  const shares = Array.from({ length: Math.ceil(bundles / each) }, (_, place) => {
    return { folder, size, from: place * each, to: Math.min(bundles, (place + 1) * each) };
  });
  if (shares.length <= 1) return Buffer.concat(shares.map(checkEntries));
  const told = await Promise.all(
    shares.map(async (share) => {
      const [message] = await once(
        new Worker(new URL("./entries.ts", import.meta.url), { workerData: share }),
        "message",
      );
      return message as { roots: Uint8Array } | { unproven: string };
    }),
  );
  return Buffer.concat(
    told.map((one) => {
      if ("unproven" in one) throw new Unproven(one.unproven);
      return one.roots;
    }),
  );
}

/** Holds the hashes of a level against the roots of the full tiles below; returns the roots of its own. */
function checkLevel(folder: string, level: number, below: Buffer): Buffer {
  const roots: Buffer[] = [];
  const tileBytes = TILE_WIDTH * HASH_BYTES;
  for (let at = 0; at < below.length; at += tileBytes) {
    const expected = below.subarray(at, at + tileBytes);
    const tile = readTile(folder, level, at / tileBytes, expected.length / HASH_BYTES);
    if (!tile.equals(expected))
      throw new Unproven(`tile/${level}, tile ${at / tileBytes}, is not made of the tiles below it.`);
    if (tile.length === tileBytes) roots.push(perfectRoot(tile));
  }
  return Buffer.concat(roots);
}
