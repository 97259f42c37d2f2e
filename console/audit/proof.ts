/**
 * The proof of one entry in one file (C2SP tlog-proof): index, hashes, checkpoint, and the entry itself as extra data. It needs no log beside
 * it, and any tool that reads the format can check it.
 */
import { isIncluded, leafHash } from "./merkle.ts";
import { type Checkpoint, fromBase64, openCheckpoint, Unproven, type Verifier } from "./note.ts";

const HEADER = "c2sp.org/tlog-proof@v1";

export type Proof = { index: number; entry: Buffer; proof: readonly Buffer[]; checkpoint: string };

export function writeProof({ index, entry, proof, checkpoint }: Proof): string {
  const hashes = proof.map((hash) => hash.toString("base64"));
  return [HEADER, `extra ${entry.toString("base64")}`, `index ${index}`, ...hashes, "", checkpoint].join("\n");
}

/** The entry, where it is in the log whose key this is. Throws `Unproven`. */
export function verifyProof(text: string, key: Verifier): { index: number; entry: Buffer; head: Checkpoint } {
  const end = text.indexOf("\n\n");
  const [header, extra = "", index = "", ...hashes] = text.slice(0, Math.max(0, end)).split("\n");
  const entry = extra.startsWith("extra ") ? fromBase64(extra.slice("extra ".length)) : null;
  const [, number] = /^index (0|[1-9][0-9]{0,15})$/.exec(index) ?? [];
  const proof = hashes.map(fromBase64).filter((hash) => hash !== null);
  if (header !== HEADER || entry === null || number === undefined || proof.length !== hashes.length)
    throw new Unproven("It is no proof with its entry (C2SP tlog-proof).");
  const head = openCheckpoint(text.slice(end + 2), key);
  const of = { index: Number(number), start: 0, end: head.size, root: head.root, proof };
  if (!isIncluded({ ...of, leaf: leafHash(entry) }))
    throw new Unproven(`The entry is not the one at ${number} of the log under that checkpoint.`);
  return { index: of.index, entry, head };
}
