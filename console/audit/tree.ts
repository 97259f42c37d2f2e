/** Roots and proofs of a log's tree from its tiles. What they say holds only where a signed root says so too: the caller compares. */
import { HASH_BYTES, nodeHash, writeNodeHash } from "./merkle.ts";
import { readTile, TILE_WIDTH } from "./tiles.ts";

export type Tree = {
  /** Root of the leaves [start, end). */
  root(start: number, end: number): Buffer;
  /** The proof that leaf `index` is in the tree, or in that of its first `end` leaves, from the leaf's neighbour upwards (RFC 6962, section 2.1.1). */
  inclusion(index: number, end?: number): Buffer[];
};

/** The tree of `size` leaves whose tiles lie in `folder`. */
export function openTree(folder: string, size: number): Tree {
  const tiles = new Map<string, Buffer>();

  function tile(level: number, index: number): Buffer {
    const name = `${level}/${index}`;
    const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH);
    const bytes = tiles.get(name) ?? readTile(folder, level, index, width);
    tiles.set(name, bytes);
    return bytes;
  }

  function root(start: number, end: number): Buffer {
    const split = splitOf(end - start);
    if (split * 2 !== end - start && end - start !== 1)
      return nodeHash(root(start, start + split), root(start + split, end));
    let [level, at, width] = [0, start, end - start];
    for (; width >= TILE_WIDTH; level++) [at, width] = [at / TILE_WIDTH, width / TILE_WIDTH];
    const index = Math.floor(at / TILE_WIDTH);
    const begin = (at - index * TILE_WIDTH) * HASH_BYTES;
    return perfectRoot(tile(level, index).subarray(begin, begin + width * HASH_BYTES));
  }

  function inclusion(index: number, start: number, end: number): Buffer[] {
    if (end - start === 1) return [];
    const middle = start + splitOf(end - start);
    return index < middle
      ? [...inclusion(index, start, middle), root(middle, end)]
      : [...inclusion(index, middle, end), root(start, middle)];
  }

  return { root, inclusion: (index, end = size) => inclusion(index, 0, end) };
}

/** The largest power of two below `width`. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

/** The root over a power of two of hashes that lie one behind the other. */
export function perfectRoot(hashes: Buffer): Buffer {
  let row = hashes;
  while (row.length > HASH_BYTES) {
    const above = Buffer.alloc(row.length / 2);
    for (let at = 0; at < row.length; at += 2 * HASH_BYTES)
      writeNodeHash(row.subarray(at, at + 2 * HASH_BYTES), above, at / 2);
    row = above;
  }
  return row;
}
