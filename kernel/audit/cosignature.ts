/** Cosignatures of witnesses (C2SP tlog-cosignature, `cosignature/v1`) in a note that somebody brought. Pure. */
import { verify } from "node:crypto";
import type { Witness } from "../abi/witness.ts";

/** A note as it came: its text with the last newline, and its signatures in their order. */
export type Brought = { text: string; signatures: Signature[] };
type Signature = { name: string; bytes: Buffer };

const ID_BYTES = 4;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;
const LINE = /^— (\S+) ([0-9A-Za-z+/]+={0,2})$/u;

/** Null where it is no signed note, or one that another reader might read differently. */
export function readNote(note: string): Brought | null {
  const end = note.indexOf("\n\n") + 1;
  const lines = note.slice(end + 1).split("\n");
  if (end === 0 || lines.pop() !== "") return null;
  const signatures: Signature[] = [];
  for (const line of lines) {
    const [, name = "", base64 = ""] = LINE.exec(line) ?? [];
    const bytes = Buffer.from(base64, "base64");
    if (name === "" || bytes.toString("base64") !== base64) return null;
    signatures.push({ name, bytes });
  }
  return { text: note.slice(0, end), signatures };
}

/** The one spelling of a signature's line. */
export function lineOf({ name, bytes }: Signature): string {
  return `— ${name} ${bytes.toString("base64")}\n`;
}

export function isOf({ name, bytes }: Signature, witness: Witness): boolean {
  return name === witness.name && bytes.subarray(0, ID_BYTES).equals(witness.id);
}

/** When the witness says it signed that text, in seconds since 1970; null where it did not sign it. */
export function cosignedAt(text: string, { bytes }: Signature, { key }: Witness): bigint | null {
  if (bytes.length !== ID_BYTES + TIME_BYTES + SIGNATURE_BYTES) return null;
  const time = bytes.readBigUInt64BE(ID_BYTES);
  const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
  return verify(null, message, key, bytes.subarray(ID_BYTES + TIME_BYTES)) ? time : null;
}
