import { createHash, hash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyTree, grow, partialTiles, rootOf, TILE_WIDTH, type Tile } from "../../../kernel/audit/tree.ts";

const leaf = (n: number) => hash("sha256", `leaf ${n}`, "buffer");
const leaves = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => leaf(from + at));
const node = (left: Buffer, right: Buffer) => createHash("sha256").update("\x01").update(left).update(right).digest();

/** The definition of RFC 6962, section 2.1, word for word. */
function definition(hashes: Buffer[]): Buffer {
  if (hashes.length === 0) return hash("sha256", "", "buffer");
  if (hashes.length === 1) return hashes[0] as Buffer;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return node(definition(hashes.slice(0, split)), definition(hashes.slice(split)));
}

test.each([0, 1, 2, 3, 7, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_793])(
  "the root over %i leaves is RFC 6962's",
  (size) => {
    expect(rootOf(grow(emptyTree, leaves(0, size)).tree)).toEqual(definition(leaves(0, size)));
  },
);

test("in whatever steps a tree grows, it is the same tree", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 300 }), { maxLength: 6 }), (steps) => {
      let tree = emptyTree;
      const full: Tile[] = [];
      for (const step of steps) {
        const grown = grow(tree, leaves(tree.size, tree.size + step));
        tree = grown.tree;
        full.push(...grown.full);
      }
      const atOnce = grow(emptyTree, leaves(0, tree.size));
      expect(rootOf(tree)).toEqual(definition(leaves(0, tree.size)));
      expect(full).toEqual(atOnce.full);
    }),
    { numRuns: 40 },
  );
});

test("what a tree grew from stays as it was", () => {
  const before = grow(emptyTree, leaves(0, 300)).tree;
  const root = rootOf(before);
  grow(before, leaves(300, 600));
  expect([before.size, rootOf(before)]).toEqual([300, root]);
});

test("a tree of 70,000 has the tiles that C2SP tlog-tiles says", () => {
  const { tree, full } = grow(emptyTree, leaves(0, 70_000));
  const ofLevel = (level: number) => full.filter((tile) => tile.level === level);
  expect([ofLevel(0).length, ofLevel(1).length, ofLevel(2).length]).toEqual([273, 1, 0]);
  expect(full.every(({ hashes }) => hashes.length === TILE_WIDTH)).toBe(true);
  expect(ofLevel(0).map(({ index }) => index)).toEqual(Array.from({ length: 273 }, (_, at) => at));
  const partial = partialTiles(tree).map(({ level, index, hashes }) => [level, index, hashes.length]);
  expect(partial).toEqual([
    [0, 273, 112],
    [1, 1, 17],
    [2, 0, 1],
  ]);
});

test("a tree of 256 has a full tile and one hash above it", () => {
  const { tree, full } = grow(emptyTree, leaves(0, 256));
  expect(full).toMatchObject([{ level: 0, index: 0 }]);
  expect(partialTiles(tree)).toEqual([{ level: 1, index: 0, hashes: [definition(leaves(0, 256))] }]);
});
