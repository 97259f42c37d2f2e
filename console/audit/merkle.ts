/**
 * Proofs about a Merkle tree as in RFC 6962, section 2.1. A part of it, [start, end), is a subtree where `start` is a multiple of the
 * smallest power of two that holds `end - start` (draft-ietf-plants-merkle-tree-certs); the whole tree is the subtree that starts at 0.
 *
 * Threat: a proof that is too long, too short or of another tree convinces.
 * Contract: true only where the hashes given make up exactly the roots given. Numbers that are no sizes of a tree prove nothing.
 */
import { hash } from "node:crypto";

export const HASH_BYTES = 32;
const [LEAF, NODE] = [0, 1];
/** Digests come as text, a byte a character (Latin-1): made and copied three times as fast as a Buffer each. */
const BYTES = "binary";

export function leafHash(entry: Uint8Array): Buffer {
  const into = Buffer.alloc(HASH_BYTES);
  writeLeafHash(entry, into, 0);
  return into;
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const into = Buffer.alloc(HASH_BYTES);
  writeNodeHash(Buffer.concat([left, right]), into, 0);
  return into;
}

/** For the many: writes the hash into `into` at byte `at`. */
export function writeLeafHash(entry: Uint8Array, into: Buffer, at: number): void {
  write(LEAF, entry, into, at);
}

/** `pair`: the left hash, then the right. */
export function writeNodeHash(pair: Uint8Array, into: Buffer, at: number): void {
  write(NODE, pair, into, at);
}

let scratch = Buffer.alloc(1024);

function write(kind: number, bytes: Uint8Array, into: Buffer, at: number): void {
  if (bytes.length >= scratch.length) scratch = Buffer.alloc(2 * bytes.length);
  scratch[0] = kind;
  scratch.set(bytes, 1);
  into.write(hash("sha256", scratch.subarray(0, 1 + bytes.length), BYTES), at, BYTES);
}

/** The root of the tree of no leaves. */
export const emptyRoot = hash("sha256", "", "buffer");

/** `root` is that of the subtree [start, end), and `leaf` the hash at `index` of the whole tree. */
export type Inclusion = {
  index: number;
  start: number;
  end: number;
  leaf: Uint8Array;
  root: Uint8Array;
  proof: readonly Uint8Array[];
};

/** Whether the leaf is in the subtree. */
export function isIncluded({ index, start, end, leaf, root, proof }: Inclusion): boolean {
  if (!isSubtree(start, end) || !Number.isSafeInteger(index) || index < start || index >= end) return false;
  if (leaf.length !== HASH_BYTES) return false;
  let [at, last] = [index - start, end - start - 1];
  let hash = leaf;
  for (const next of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = nodeHash(next, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else hash = nodeHash(hash, next);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && same(hash, root);
}

/** Two trees by their sizes and roots. */
export type Growth = {
  from: { size: number; root: Uint8Array };
  to: { size: number; root: Uint8Array };
  proof: readonly Uint8Array[];
};

/** Whether the one tree has grown into the other, by leaves behind its last and nothing else. */
export function isGrown({ from, to, proof }: Growth): boolean {
  if (from.size === to.size ? !same(from.root, to.root) : from.size === 0) return false; // from nothing anything grows
  return isPart({ start: 0, end: from.size, size: to.size, part: from.root, root: to.root, proof });
}

/** `part` is the root of the subtree [start, end), `root` that of the tree of `size` leaves. */
export type Part = {
  start: number;
  end: number;
  size: number;
  part: Uint8Array;
  root: Uint8Array;
  proof: readonly Uint8Array[];
};

/** Whether the tree holds the subtree. */
export function isPart({ start, end, size, part, root, proof }: Part): boolean {
  if (!Number.isSafeInteger(size) || end > size) return false;
  if (start === end) return proof.length === 0 && same(part, emptyRoot); // nothing is in every tree
  if (!isSubtree(start, end)) return false;
  if (start === 0 && end === size) return proof.length === 0 && same(part, root);
  let [first, at, last] = [start, end - 1, size - 1];
  const rise = () => {
    [first, at, last] = [half(first), half(at), half(last)];
  };
  while (first !== at && (isOdd(at) || at === last)) rise();
  const rest = [...proof];
  const begin = first === at ? part : rest.shift();
  if (begin === undefined) return false;
  let [old, all] = [begin, begin];
  for (const next of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      if (first < at) old = nodeHash(next, old);
      all = nodeHash(next, all);
      while (!isOdd(at) && at !== 0) rise();
    } else all = nodeHash(all, next);
    rise();
  }
  return last === 0 && same(old, part) && same(all, root);
}

function isSubtree(start: number, end: number): boolean {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start >= end) return false;
  return start % 2 ** Math.ceil(Math.log2(end - start)) === 0;
}

const isOdd = (number: number) => number % 2 === 1;
const half = (number: number) => Math.floor(number / 2);
const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;
