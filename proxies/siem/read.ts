/**
 * Reads the published log, a bundle of entries at a time, and believes nothing of it that a signed checkpoint does not prove.
 *
 * Threat: the disk was changed: entries altered, removed, reordered, or the whole put back or rewritten, and a SIEM is told so in our name.
 * Contract: `readPortion` gives entries only where the tree of all before them, grown by them, is the beginning of the tree under the
 * checkpoint. What came before is the caller's own memory (`Position`), not the disk's: what was exported is never contradicted.
 * Failure: throws `Unproven` with what is wrong and where; nothing of that bundle is handed out.
 */
import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { append, type Edge, emptyEdge, growTo, rootOf } from "../../console/audit/edge.ts";
import { openWithAny } from "../../console/audit/keys.ts";
import { leafHash } from "../../console/audit/merkle.ts";
import { readKey, Unproven, writeKey } from "../../console/audit/note.ts";
import { readBundle, readLogFile, TILE_WIDTH } from "../../console/audit/tiles.ts";
import { openTree } from "../../console/audit/tree.ts";
import { CHECKPOINT, keysOf } from "../../console/audit/verify.ts";
import type { LogRecord } from "./record.ts";

const KEY = "key";
const NO_LEAF = "0".repeat(64);

/** Where a reader stands: the tree of all it has read, and the leaf hash of the last entry in hex. */
export type Position = { edge: Edge; prev: string };

export const beginning: Position = { edge: emptyEdge, prev: NO_LEAF };

export type Head = { origin: string; size: number; root: Buffer; note: string };

/** Of a log whose key was replaced: the checkpoint that both signed, and the verifier key of the next. */
export type Handover = { head: Head; next: string };

/** Null where the kernel has not published anything yet. `handovers`: from that key to the one that signs now, the first first. */
export function readHead(folder: string, verifier: string): (Head & { handovers: Handover[] }) | null {
  if (!existsSync(join(folder, CHECKPOINT))) return null;
  const note = readLogFile(folder, CHECKPOINT).toString();
  const { keys, handovers } = keysOf({ folder, key: readKey(verifier) });
  const told = handovers.map((one) => ({ head: { ...one.head, note: one.note }, next: writeKey(one.next) }));
  return { ...openWithAny(note, keys), note, handovers: told };
}

export function checkpointOf({ size, root, note }: Head): LogRecord {
  return { kind: "checkpoint", size, root: root.toString("hex"), note };
}

/** The verifier key that lies beside the log: whoever takes it from there trusts the disk once. */
export function publishedKey(folder: string): string | null {
  return existsSync(join(folder, KEY)) ? readLogFile(folder, KEY).toString().trim() : null;
}

/** The entries from a position to the end of their bundle, or of what is signed. There is at least one. */
export function readPortion(folder: string, head: Head, from: Position): { records: LogRecord[]; after: Position } {
  const first = from.edge.size;
  const bundle = Math.floor(first / TILE_WIDTH);
  const begin = bundle * TILE_WIDTH;
  const entries = readBundle(folder, bundle, Math.min(TILE_WIDTH, head.size - begin)).slice(first - begin);
  let { edge, prev } = from;
  const records = entries.map((entry): LogRecord => {
    const hash = leafHash(entry);
    const [index, before, leaf] = [edge.size, prev, hash.toString("hex")];
    if (!isUtf8(entry)) throw new Unproven(`Entry ${index} is no text.`);
    edge = append(edge, 1, hash);
    prev = leaf;
    return { kind: "entry", index, leaf, prev: before, text: entry.toString() };
  });
  refuseOther(folder, head, edge, `Entries ${first} to ${edge.size - 1} are not those that were signed`);
  return { records, after: { edge, prev } };
}

/** That the log under `head` begins with all that was read before. */
export function refuseOther(folder: string, head: Head, edge: Edge, what: string): void {
  if (head.size < edge.size)
    throw new Unproven(
      `The checkpoint covers ${head.size} entries, and ${edge.size} were exported: an earlier state was put back.`,
    );
  if (!rootOf(growTo(edge, head.size, openTree(folder, head.size))).equals(head.root))
    throw new Unproven(`${what}: they, the tiles above them, or what was exported before was changed.`);
}

/** A position from which entry `index` can be read, as the tiles have it: the portion that is read from it is proven, or is not handed out. */
export function positionBefore(folder: string, head: Head, index: number): Position {
  const start = Math.floor(Math.max(0, index - 1) / TILE_WIDTH) * TILE_WIDTH;
  return { edge: growTo(emptyEdge, start, openTree(folder, head.size)), prev: NO_LEAF };
}
