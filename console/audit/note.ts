/**
 * Signed notes (C2SP signed-note) and the checkpoints they carry (C2SP tlog-checkpoint), read and checked; Ed25519 only.
 *
 * Threat: a text that nobody we know has signed, or one that two readers would read differently.
 * Contract: `openNote` gives back the text only where the key given has signed exactly it. Signatures of other keys are ignored.
 * Failure: throws `Unproven` with what is wrong.
 */
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { HASH_BYTES } from "./merkle.ts";

/** The log is not what it must be, or does not prove it: a sentence that says where and what. */
export class Unproven extends Error {
  override name = "Unproven";
}

export type Verifier = { name: string; id: Buffer; key: KeyObject };
export type Checkpoint = { origin: string; size: number; root: Buffer };

const ED25519 = 1;
const ID_BYTES = 4;
const KEY_BYTES = 32;
/** One note, with every signature (witnesses add theirs). */
const NOTE_CHARS_MAX = 100_000;
const SIGNATURES_MAX = 100;
const NAME = "[^\\s+\\p{White_Space}]+";
const KEY_FORM = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+([0-9A-Za-z+/=]+)$`, "u");
const LINE_FORM = new RegExp(`^— (${NAME}) ([0-9A-Za-z+/=]+)$`, "u");
/** Those below U+0020 but for the newline. */
const CONTROL = /[^\n\P{Cc}]/u;
const SIZE_FORM = /^(0|[1-9][0-9]{0,15})$/;

/** Reads a verifier key, `name+hash+base64`, of that signature type. */
export function readKey(text: string, type = ED25519): Verifier {
  const [, name = "", id = "", base64 = ""] = KEY_FORM.exec(text) ?? [];
  const typed = fromBase64(base64);
  if (typed?.length !== 1 + KEY_BYTES || typed[0] !== type)
    throw new Unproven(`The key is no Ed25519 verifier key of type ${type} (name+hash+base64, C2SP signed-note).`);
  if (idOf(name, typed).toString("hex") !== id)
    throw new Unproven("The key's hash is not that of its name and bytes: it was copied wrong.");
  return keyOf(name, typed.subarray(1), type);
}

/** The text of a verifier key, as `readKey` reads it. */
export function writeKey({ name, id, key }: Verifier): string {
  const bytes = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
  return `${name}+${id.toString("hex")}+${Buffer.concat([Buffer.of(ED25519), bytes]).toString("base64")}`;
}

/** The key of that name with those public bytes. */
export function keyOf(name: string, bytes: Buffer, type = ED25519): Verifier {
  const jwk = { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") };
  return {
    name,
    id: idOf(name, Buffer.concat([Buffer.of(type), bytes])),
    key: createPublicKey({ key: jwk, format: "jwk" }),
  };
}

function idOf(name: string, typed: Buffer): Buffer {
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), typed]), "buffer").subarray(0, ID_BYTES);
}

/** The text of a note which that key has signed, with its last newline. */
export function openNote(note: string, { name, id, key }: Verifier): string {
  const { text, signatures } = splitNote(note);
  const ours = signatures.filter((one) => one.name === name && one.bytes.subarray(0, ID_BYTES).equals(id));
  if (ours.length === 0) {
    const signers = signatures
      .map((one) => `${one.name}+${one.bytes.subarray(0, ID_BYTES).toString("hex")}`)
      .join(", ");
    throw new Unproven(`It is not signed by ${name}+${id.toString("hex")}, but by ${signers}.`);
  }
  for (const { bytes } of ours)
    if (!verify(null, Buffer.from(text), key, bytes.subarray(ID_BYTES)))
      throw new Unproven(`The signature of ${name} is not over this text: one of the two was changed.`);
  return text;
}

type Signature = { name: string; bytes: Buffer };

export function splitNote(note: string): { text: string; signatures: Signature[] } {
  const end = note.lastIndexOf("\n\n");
  const [text, signed] = [note.slice(0, end + 1), note.slice(end + 2)];
  const lines = signed.split("\n");
  const isNote = end > 0 && note.length <= NOTE_CHARS_MAX && !CONTROL.test(note) && !note.includes("\ufffd");
  if (!isNote || lines.pop() !== "" || lines.length === 0 || lines.length > SIGNATURES_MAX)
    throw new Unproven("It is no signed note (C2SP signed-note).");
  return { text, signatures: lines.map(readSignature) };
}

function readSignature(line: string): Signature {
  const [, name = "", base64 = ""] = LINE_FORM.exec(line) ?? [];
  const bytes = fromBase64(base64);
  if (bytes === null || bytes.length <= ID_BYTES) throw new Unproven("A signature line of the note is malformed.");
  return { name, bytes };
}

/** Reads the text of a checkpoint. Lines behind the third are its log's own business. */
export function readCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", base64 = "", ...rest] = text.split("\n");
  const root = fromBase64(base64);
  const isRead =
    origin !== "" && SIZE_FORM.test(size) && Number.isSafeInteger(Number(size)) && root?.length === HASH_BYTES;
  if (!isRead || rest.pop() !== "" || rest.includes(""))
    throw new Unproven("The note is signed, but is no checkpoint.");
  return { origin, size: Number(size), root };
}

/** A checkpoint of the log whose key this is: its origin is the key's name. */
export function openCheckpoint(note: string, key: Verifier): Checkpoint {
  const checkpoint = readCheckpoint(openNote(note, key));
  if (checkpoint.origin !== key.name)
    throw new Unproven(`The checkpoint is one of the log ${checkpoint.origin}, not of ${key.name}.`);
  return checkpoint;
}

/** Null for anything but the one spelling of some bytes. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : null;
}
