/**
 * Checkpoints that witnesses have cosigned (C2SP tlog-cosignature, `cosignature/v1`, Ed25519), in the folder `cosigned` beside the log.
 *
 * Threat: a log that shows different people different things, each with its own right signature.
 * Contract: what `verifyWitness` gives back is signed by the log and by that witness, and the log begins with everything it covers.
 * Failure: throws `Unproven`.
 */

import { verify } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isSigned } from "./keys.ts";
import { readKey, splitNote, Unproven, type Verifier } from "./note.ts";
import { readLogFile } from "./tiles.ts";
import { verifyGrowth } from "./verify.ts";

/** `at`: in ms, as the witness says. */
type Cosigned = { name: string; size: number; at: number };

const FOLDER = "cosigned";
const SIZE_FORM = /^[1-9][0-9]{0,15}$/;
const COSIGNATURE = 4;
const [ID_BYTES, TIME_BYTES, SIGNATURE_BYTES] = [4, 8, 64];
const LINE_BYTES = ID_BYTES + TIME_BYTES + SIGNATURE_BYTES;

/** Reads a witness's verifier key, `name+hash+base64`. */
export function readWitness(text: string): Verifier {
  return readKey(text, COSIGNATURE);
}

/** The newest checkpoint of the log that this witness has cosigned. */
export function verifyWitness(log: { folder: string; key: Verifier }, witness: Verifier): Cosigned {
  const notes = cosignedNotes(log.folder);
  const note = notes.findLast((one) => isSigned(one, witness));
  if (note === undefined) throw new Unproven(`No checkpoint beside the log is cosigned by ${witness.name}.`);
  const { text, signatures } = splitNote(note);
  const theirs = signatures.filter(
    (one) => one.name === witness.name && one.bytes.subarray(0, ID_BYTES).equals(witness.id),
  );
  for (const { bytes } of theirs)
    if (!isCosigned(text, bytes, witness))
      throw new Unproven(`The cosignature of ${witness.name} is not over this text: one of the two was changed.`);
  const { size } = verifyGrowth(log, note);
  return { name: witness.name, size, at: timeOf(theirs[0]?.bytes as Buffer) };
}

/** What lies there, by the names in it alone: nothing is checked. */
export function listCosigned(folder: string): Cosigned[] {
  return cosignedNotes(folder).flatMap((note) => {
    const { text, signatures } = splitNote(note);
    const lines = signatures.filter(({ bytes }) => bytes.length === LINE_BYTES);
    return lines.map(({ name, bytes }) => ({ name, size: Number(text.split("\n")[1]), at: timeOf(bytes) }));
  });
}

function isCosigned(text: string, bytes: Buffer, { key }: Verifier): boolean {
  if (bytes.length !== LINE_BYTES) return false;
  const message = Buffer.from(`cosignature/v1\ntime ${bytes.readBigUInt64BE(ID_BYTES)}\n${text}`);
  return verify(null, message, key, bytes.subarray(ID_BYTES + TIME_BYTES));
}

function timeOf(bytes: Buffer): number {
  return Number(bytes.readBigUInt64BE(ID_BYTES)) * 1000;
}

/** The smallest first. */
function cosignedNotes(folder: string): string[] {
  const names = namesIn(join(folder, FOLDER)).filter((name) => SIZE_FORM.test(name));
  const ordered = names.toSorted((one, other) => Number(one) - Number(other));
  return ordered.map((name) => readLogFile(folder, `${FOLDER}/${name}`).toString());
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Unproven(`${FOLDER} cannot be read.`);
  }
}
