/**
 * The Merkle tree of RFC 6962, section 2.1, as C2SP tlog-tiles cut it: 256 hashes of one level are a tile, and the root of a full tile
 * is one hash of the level above. What grows is the right edge alone, so that is all there is of a tree in memory. Pure.
 */
import { createHash } from "node:crypto";

export const TILE_WIDTH = 256;
export const HASH_BYTES = 32;
const NODE = Buffer.of(1);

/** `edge[level]`: the hashes of the last tile of that level, fewer than TILE_WIDTH. */
export type Tree = { readonly size: number; readonly edge: readonly (readonly Buffer[])[] };

/** Tile `index` of `level`, counted from 0. */
export type Tile = { level: number; index: number; hashes: readonly Buffer[] };

export const emptyTree: Tree = { size: 0, edge: [] };

/** The tree with the leaves of those hashes behind its last, and the tiles that became full. */
export function grow(tree: Tree, leaves: readonly Buffer[]): { tree: Tree; full: Tile[] } {
  const edge = tree.edge.map((hashes) => [...hashes]);
  const full: Tile[] = [];
  let size = tree.size;
  for (const leaf of leaves) {
    size++;
    for (let level = 0, hash: Buffer | null = leaf; hash !== null; level++) {
      const hashes = edge[level] ?? [];
      edge[level] = hashes;
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) break;
      full.push({ level, index: size / TILE_WIDTH ** (level + 1) - 1, hashes });
      edge[level] = [];
      hash = perfectRoot(hashes);
    }
  }
  return { tree: { size, edge }, full };
}

/** The tiles at the right edge that are not full; none is empty. */
export function partialTiles({ size, edge }: Tree): Tile[] {
  const tiles = edge.map((hashes, level) => ({ level, index: Math.floor(size / TILE_WIDTH ** (level + 1)), hashes }));
  return tiles.filter(({ hashes }) => hashes.length > 0);
}

/** The root hash. Every level's last hashes fall into perfect subtrees, the largest first; the root joins them from the right. */
export function rootOf({ size, edge }: Tree): Buffer {
  if (size === 0) return createHash("sha256").digest();
  const parts = edge.toReversed().flatMap(perfectParts);
  return parts.reduceRight((right, left) => nodeHash(left, right));
}

function perfectParts(hashes: readonly Buffer[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let width = TILE_WIDTH / 2, at = 0; width >= 1; width /= 2) {
    if ((hashes.length & width) === 0) continue;
    parts.push(perfectRoot(hashes.slice(at, at + width)));
    at += width;
  }
  return parts;
}

/** Of a power of two of hashes. */
function perfectRoot(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, at) => nodeHash(row[2 * at] as Buffer, row[2 * at + 1] as Buffer));
  return row[0] as Buffer;
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash("sha256").update(NODE).update(left).update(right).digest();
}
