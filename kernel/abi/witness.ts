/** Witnesses of the audit log (C2SP tlog-cosignature, Ed25519): who they are, as an administrator names them in `silo.yaml`. */
import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { Type } from "typebox";

/** `id`: the first bytes of every signature of theirs. `public`: the key, base64url. */
export type Witness = { name: string; id: Buffer; public: string; key: KeyObject };

export const WITNESSES_MAX = 16;
/** A checkpoint as somebody brings it, with all its signatures. */
export const NOTE_CHARS_MAX = 16 * 1024;
/** C2SP signed-note, signature types: a timestamped Ed25519 cosignature. */
const COSIGNATURE = 4;
const ID_BYTES = 4;
const KEY_BYTES = 32;
/** No space and no `+`: the name stands in signature lines. */
const FORM = /^([^\s+]{1,255})\+([0-9a-f]{8})\+([0-9A-Za-z+/=]{44})$/u;

export const Witnesses = Type.Array(Type.String({ minLength: 1, maxLength: 320 }), {
  maxItems: WITNESSES_MAX,
  uniqueItems: true,
});

/** Reads a verifier key, `name+hash+base64`; null where it is none of a witness. */
export function readWitness(text: string): Witness | null {
  const [, name = "", told = "", base64 = ""] = FORM.exec(text) ?? [];
  const typed = Buffer.from(base64, "base64");
  if (typed.length !== 1 + KEY_BYTES || typed[0] !== COSIGNATURE || typed.toString("base64") !== base64) return null;
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), typed]), "buffer").subarray(0, ID_BYTES);
  if (id.toString("hex") !== told) return null;
  const bytes = typed.subarray(1).toString("base64url");
  return {
    name,
    id,
    public: bytes,
    key: createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: bytes }, format: "jwk" }),
  };
}

/** The first fault that a schema cannot find, as a place and a rule. */
export function witnessFault(keys: readonly string[]): string | undefined {
  const at = keys.findIndex((key) => readWitness(key) === null);
  return at < 0
    ? undefined
    : `/witnesses/${at} is no verifier key of a witness (name+hash+base64 of type 0x04, C2SP tlog-cosignature)`;
}
