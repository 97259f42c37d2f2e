/** Proofs of a published collection (transparency-dev/merkle, testdata) against the verifier. They lie beside the checkout, so this file runs on the host. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { isGrown, isIncluded, isPart } from "../../../console/audit/merkle.ts";

type Vector = {
  [name in "leafIdx" | "treeSize" | "start" | "end" | "size" | "size1" | "size2"]?: number;
} & { [name in "root" | "root1" | "root2" | "leafHash"]?: string } & {
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
};

const FOLDER = fileURLToPath(new URL("../../../../shared/vectors/merkle/testdata", import.meta.url));
const isThere = existsSync(FOLDER);
if (!isThere) console.warn(`\n!!! SKIPPED: the Merkle vectors are not at ${FOLDER}. Nothing here was tested.\n`);

const names = isThere
  ? readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"))
  : [];
const vectors = names.sort().map((name) => {
  const vector: Vector = JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
  return { name, vector };
});

const bytes = (text = "") => Buffer.from(text, "base64");

function decide({ leafIdx, treeSize, start = 0, end, size, size1, size2, ...vector }: Vector): boolean {
  const proof = (vector.proof ?? []).map(bytes);
  if (leafIdx !== undefined) {
    const of = { index: leafIdx, start, end: end ?? treeSize ?? Number.NaN, proof };
    return isIncluded({ ...of, leaf: bytes(vector.leafHash), root: bytes(vector.root) });
  }
  const [part, root] = [bytes(vector.root1), bytes(vector.root2)];
  if (size !== undefined) return isPart({ start, end: end ?? Number.NaN, size, part, root, proof });
  const [from, to] = [size1 ?? Number.NaN, size2 ?? Number.NaN];
  return isGrown({ from: { size: from, root: part }, to: { size: to, root }, proof });
}

describe.skipIf(!isThere)("the published Merkle proofs", () => {
  test("are all there", () => {
    expect(vectors.length).toBe(518);
    expect(vectors.filter(({ vector }) => !vector.wantErr).length).toBeGreaterThan(20);
  });

  test.each(vectors)("$name", ({ vector }) => {
    expect(decide(vector)).toBe(!vector.wantErr);
  });
});
