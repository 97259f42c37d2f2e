/**
 * The log's key: it signs notes as C2SP signed-note says, with Ed25519. Its private half lies in the keystore alone.
 *
 * Threat: a log signed by nobody, or by a key that was quietly made anew.
 * Contract: the keystore makes the key once and never again by itself; which key signs is in the log (`log_key`). The verifier key
 * (`name+hash+base64`) is all an outsider needs.
 * Failure: throws `KeystoreError`; the kernel does not start.
 */
import { createPrivateKey, createPublicKey, hash, randomBytes, sign, verify } from "node:crypto";
import { type Keystore, KeystoreError } from "../process/keystore.ts";

export type LogKey = {
  /** Key name and origin of the log. */
  name: string;
  /** As outsiders are given it. */
  verifier: string;
  /** The public half, base64url. */
  public: string;
  /** The note of a text that ends with a newline. */
  note(text: string): string;
  /** The text of a note that holds this key's signature; null for any other. */
  open(note: string): string | null;
};

const SECRET = "log";
const SEED_BYTES = 32;
/** C2SP signed-note, signature types. */
const ED25519 = 1;
const ID_BYTES = 4;
/** PKCS #8 of an Ed25519 seed (RFC 8410, section 7) up to the seed. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** Takes the log's key from the keystore, or makes the first one. */
export function openLogKey(keystore: Keystore): LogKey {
  return logKey(
    `silo/${keystore.appliance}`,
    keystore.secret(SECRET, () => randomBytes(SEED_BYTES)),
  );
}

/** The key of that name with that seed (32 bytes). */
export function logKey(name: string, seed: Uint8Array): LogKey {
  if (seed.length !== SEED_BYTES) throw new KeystoreError("The log's key in the keystore is damaged.");
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const key = createPublicKey(secret);
  const bytes = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
  const typed = Buffer.concat([Buffer.of(ED25519), bytes]);
  const named = Buffer.concat([Buffer.from(`${name}\n`), typed]);
  const id = hash("sha256", named, "buffer").subarray(0, ID_BYTES);
  const line = (signature: Buffer) => `— ${name} ${Buffer.concat([id, signature]).toString("base64")}\n`;
  return {
    name,
    verifier: `${name}+${id.toString("hex")}+${typed.toString("base64")}`,
    public: bytes.toString("base64url"),
    note: (text) => `${text}\n${line(sign(null, Buffer.from(text), secret))}`,
    open(note) {
      const end = note.lastIndexOf("\n\n") + 1;
      const text = note.slice(0, end);
      const ours = note
        .slice(end + 1)
        .split("\n")
        .map((signed) => signed.split(" "));
      const signatures = ours
        .filter(([, signer]) => signer === name)
        .map(([, , base64 = ""]) => Buffer.from(base64, "base64"));
      const holds = (signature: Buffer) =>
        signature.subarray(0, ID_BYTES).equals(id) &&
        verify(null, Buffer.from(text), key, signature.subarray(ID_BYTES));
      return end > 0 && signatures.some(holds) ? text : null;
    },
  };
}
