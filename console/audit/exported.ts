/**
 * Proves a log from what a SIEM has of it, its file of events and the public key alone: no folder of ours, no disk of ours.
 *
 * Threat: on our disk, on the way or in the SIEM's own files events were removed, changed, added or reordered.
 * Contract: done means that the file holds every entry under the last checkpoint in it, in order, each as it was signed. The same event may be
 * there twice, as it is sent at least once; what is around an event on its line, and lines without one, is not looked at.
 * Failure: throws `Unproven` with the first thing that is wrong and its line.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { append, type Edge, emptyEdge, rootOf } from "./edge.ts";
import { isSigned, keyIn } from "./keys.ts";
import { HASH_BYTES, leafHash } from "./merkle.ts";
import { type Checkpoint, openCheckpoint, Unproven, type Verifier } from "./note.ts";
import { type Received, receivedIn } from "./received.ts";

/** `entries`: in the file, each counted once. `again`: events that were there already. */
export type Proven = { head: Checkpoint; entries: number; again: number; checkpoints: number };

const BLOCK_BYTES = 1024 * 1024;
/** An entry of 65,535 bytes, escaped twice, and what is around it. */
const LINE_BYTES_MAX = 2 * 1024 * 1024;
const NEWLINE = 10;
const KEY_ENTRY = '"verb":"log_key"';
const NO_LEAF = "0".repeat(2 * HASH_BYTES);

export function verifyExport(file: string, key: Verifier): Proven {
  const read: Read = { edge: emptyEdge, leaves: [], signers: [{ key, until: Number.MAX_SAFE_INTEGER }], named: [] };
  let head: Checkpoint | null = null;
  let [again, checkpoints, number] = [0, 0, 0];
  for (const line of linesOf(file)) {
    number++;
    const event = receivedIn(line);
    if (event === null) continue;
    if (event.kind === "checkpoint") {
      const told = checkpointOf(event, read, number);
      if (told.size < (head?.size ?? 0)) again++;
      else [head, checkpoints] = [told, checkpoints + 1];
    } else if (isNew(event, read, number)) {
      const leaf = leafHash(Buffer.from(event.raw));
      read.edge = append(read.edge, 1, leaf);
      read.leaves.push(leaf);
      const named = event.raw.includes(KEY_ENTRY) ? keyIn(event.raw, key.name) : null;
      if (named !== null) read.named.push({ key: named, index: event.index });
    } else again++;
  }
  if (head === null) throw new Unproven("There is no checkpoint in it, so nothing in it is proven.");
  return { head, entries: read.edge.size, again, checkpoints };
}

/**
 * `signers`: the key given and those that the log was handed over to, each with the size up to which it signs. `named`: by entries, which a
 * checkpoint that the key before signed too has yet to bear out.
 */
type Read = {
  edge: Edge;
  leaves: Buffer[];
  signers: { key: Verifier; until: number }[];
  named: { key: Verifier; index: number }[];
};

function isNew({ index, leaf, prev, raw }: Received & { kind: "entry" }, { leaves }: Read, line: number): boolean {
  const at = `Line ${line}: entry ${index}`;
  if (!Number.isSafeInteger(index) || index < 0 || typeof raw !== "string")
    throw new Unproven(`Line ${line} is no event.`);
  if (index > leaves.length)
    throw new Unproven(`${at} comes where entry ${leaves.length} should: entries are missing, or out of order.`);
  const before = index === 0 ? NO_LEAF : leaves[index - 1]?.toString("hex");
  const hash = leafHash(Buffer.from(raw)).toString("hex");
  if (hash !== leaf || prev !== before) throw new Unproven(`${at} is not what its hash, or the entry before it, says.`);
  if (index < leaves.length && leaves[index]?.toString("hex") !== hash)
    throw new Unproven(`${at} is there twice, and not the same.`);
  return index === leaves.length;
}

function checkpointOf({ size, root, note }: Received & { kind: "checkpoint" }, read: Read, line: number): Checkpoint {
  const signer = read.signers.findLast((one) => isSigned(note, one.key)) ?? (read.signers[0] as Read["signers"][0]);
  const checkpoint = openCheckpoint(note, signer.key);
  if (checkpoint.size !== size || checkpoint.root.toString("hex") !== root)
    throw new Unproven(`Line ${line}: the checkpoint is not the one in its note.`);
  if (size > read.edge.size)
    throw new Unproven(
      `Line ${line}: the checkpoint covers ${size} entries, and there are ${read.edge.size} before it: entries are missing.`,
    );
  const edge =
    size === read.edge.size
      ? read.edge
      : read.leaves.slice(0, size).reduce((grown, leaf) => append(grown, 1, leaf), emptyEdge as Edge);
  if (!rootOf(edge).equals(checkpoint.root))
    throw new Unproven(`Line ${line}: the first ${size} entries are not those that the checkpoint covers.`);
  if (size > signer.until)
    throw new Unproven(
      `Line ${line}: the checkpoint over ${size} entries is signed by a key that was replaced before.`,
    );
  if (signer === read.signers.at(-1)) handOver(read, signer, checkpoint, note);
  return checkpoint;
}

/** Where both sign, the log goes on with the key that one of its entries names. */
function handOver({ signers, named }: Read, signer: Read["signers"][0], { size }: Checkpoint, note: string): void {
  const isKnown = ({ id }: Verifier) => signers.some(({ key }) => key.id.equals(id));
  const next = named.find(({ key, index }) => index < size && !isKnown(key) && isSigned(note, key));
  if (next === undefined) return;
  openCheckpoint(note, next.key);
  signer.until = size;
  signers.push({ key: next.key, until: Number.MAX_SAFE_INTEGER });
}

function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, "r");
  try {
    let pending = Buffer.alloc(0);
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let bytes = readSync(descriptor, block); bytes > 0; bytes = readSync(descriptor, block)) {
      pending = Buffer.concat([pending, block.subarray(0, bytes)]);
      let at = 0;
      for (let end = pending.indexOf(NEWLINE); end !== -1; end = pending.indexOf(NEWLINE, at)) {
        yield pending.toString("utf8", at, end);
        at = end + 1;
      }
      pending = pending.subarray(at);
      if (pending.length > LINE_BYTES_MAX)
        throw new Unproven(`A line of the file is longer than ${LINE_BYTES_MAX} bytes.`);
    }
    if (pending.length > 0) yield pending.toString();
  } finally {
    closeSync(descriptor);
  }
}
