/** Notes as C2SP signed-note has them, signed with Ed25519 by a key of the log. */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { KeystoreError } from "../process/keystore.ts";

/** What is known of a key that may have been replaced. */
export type PublicLogKey = {
  /** Key name and origin of the log. */
  name: string;
  /** As outsiders are given it: `name+hash+base64`. */
  verifier: string;
  /** The public half, base64url. */
  public: string;
  /** The text of a note that holds this key's signature; null for any other. */
  open(note: string): string | null;
};

export type LogKey = PublicLogKey & {
  /** The signature line over a text that ends with a newline. */
  line(text: string): string;
};

export const SEED_BYTES = 32;
/** C2SP signed-note, signature types. */
const ED25519 = 1;
const ID_BYTES = 4;
/** PKCS #8 of an Ed25519 seed (RFC 8410, section 7) up to the seed. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** The note of a text that ends with a newline. */
export function noteOf(text: string, signers: readonly Pick<LogKey, "line">[]): string {
  return [text, "\n", ...signers.map(({ line }) => line(text))].join("");
}

/** The key of that name with that seed (32 bytes). */
export function logKey(name: string, seed: Uint8Array): LogKey {
  if (seed.length !== SEED_BYTES) throw new KeystoreError("The log's key in the keystore is damaged.");
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const known = publicKey(name, createPublicKey(secret));
  const id = Buffer.from(known.verifier.slice(name.length + 1).split("+")[0] ?? "", "hex");
  return {
    ...known,
    line(text) {
      const signature = sign(null, Buffer.from(text), secret);
      return `— ${name} ${Buffer.concat([id, signature]).toString("base64")}\n`;
    },
  };
}

/** The key with those public bytes (base64url), of the log of that name. */
export function publicLogKey(name: string, bytes: string): PublicLogKey {
  return publicKey(name, createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: bytes }, format: "jwk" }));
}

function publicKey(name: string, key: KeyObject): PublicLogKey {
  const bytes = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
  const typed = Buffer.concat([Buffer.of(ED25519), bytes]);
  const named = Buffer.concat([Buffer.from(`${name}\n`), typed]);
  const id = hash("sha256", named, "buffer").subarray(0, ID_BYTES);
  return {
    name,
    verifier: `${name}+${id.toString("hex")}+${typed.toString("base64")}`,
    public: bytes.toString("base64url"),
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
