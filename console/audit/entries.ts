/** Holds entries against the tiles, bundle by bundle; what can be done on several cores at once. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { HASH_BYTES, writeLeafHash } from "./merkle.ts";
import { Unproven } from "./note.ts";
import { readBundle, readTile, TILE_WIDTH } from "./tiles.ts";
import { perfectRoot } from "./tree.ts";

/** Bundles [from, to) of a log of `size` entries. */
export type Share = { folder: string; size: number; from: number; to: number };

/** The roots of the full tiles of level 0, one behind the other. Throws `Unproven` at the first entry that is not under them. */
export function checkEntries({ folder, size, from, to }: Share): Buffer {
  const roots: Buffer[] = [];
  for (let index = from; index < to; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const tile = readTile(folder, 0, index, width);
    const hashes = Buffer.alloc(tile.length);
    for (const [place, entry] of readBundle(folder, index, width).entries())
      writeLeafHash(entry, hashes, place * HASH_BYTES);
    if (!hashes.equals(tile)) {
      const place = Math.floor(hashes.findIndex((byte, at) => byte !== tile[at]) / HASH_BYTES);
      throw new Unproven(
        `Entry ${index * TILE_WIDTH + place} is not the one in the tree: it was changed, or its hash in tile/0 was.`,
      );
    }
    if (width === TILE_WIDTH) roots.push(perfectRoot(tile));
  }
  return Buffer.concat(roots);
}

if (!isMainThread && workerData?.folder !== undefined) parentPort?.postMessage(told(workerData as Share));

/** What another thread is told: roots, or a sentence. */
function told(share: Share): { roots: Uint8Array } | { unproven: string } {
  try {
    return { roots: checkEntries(share) };
  } catch (error) {
    if (error instanceof Unproven) return { unproven: error.message };
    throw error;
  }
}
