/** The right edge of a Merkle tree (RFC 6962): the roots of its perfect subtrees, the largest first. What grew from it is told from what did not. */
import { emptyRoot, nodeHash } from "./merkle.ts";
import type { Tree } from "./tree.ts";

export type Edge = { size: number; roots: readonly Buffer[] };

export const emptyEdge: Edge = { size: 0, roots: [] };

/** The tree with a perfect subtree of `width` leaves behind it. Its size is a multiple of `width`, a power of two. */
export function append({ size, roots }: Edge, width: number, root: Buffer): Edge {
  const rest = [...roots];
  let grown = root;
  for (let whole = width; Math.floor(size / whole) % 2 === 1; whole *= 2) grown = nodeHash(rest.pop() as Buffer, grown);
  return { size: size + width, roots: [...rest, grown] };
}

export function rootOf({ roots }: Edge): Buffer {
  return (
    roots.reduceRight<Buffer | null>((right, left) => (right === null ? left : nodeHash(left, right)), null) ??
    emptyRoot
  );
}

/** The tree grown to `size` leaves, by subtrees as `tree` has them: true only where its root then is one that was signed. */
export function growTo(edge: Edge, size: number, tree: Pick<Tree, "root">): Edge {
  let grown = edge;
  while (grown.size < size) {
    let width = 1;
    while (grown.size % (width * 2) === 0 && grown.size + width * 2 <= size) width *= 2;
    grown = append(grown, width, tree.root(grown.size, grown.size + width));
  }
  return grown;
}
