/**
 * The place for secrets on an appliance: files encrypted under one wrapping key, which the TPM lets out once a boot (console/boot/).
 *
 * Threat: a secret that is read from a disk, moved from one appliance, process or name to another, or taken for absent because it cannot be opened.
 * Contract: AES-256-GCM; appliance, process and name are part of what is authenticated. Null means that there is no such file and nothing else. A
 * secret that was written is on disk when `write` returns, whole or not at all.
 * Failure: throws `KeystoreError`; the process must not start.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { credential, type Directories } from "./config.ts";
import { writeDurably } from "./durably.ts";
import { KeystoreError, linuxKeyring, type Place } from "./keystore.ts";

export const WRAPPING_KEY_BYTES = 32;
const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * Where the process whose durable folder is `stateDir` keeps its secrets: in the trial, which says so (`SILO_MODE`), the Linux keyring; everywhere
 * else files under its credential `keystore`. Throws `ConfigError` where that is missing: nothing falls back.
 */
export function secretsPlace(
  dirs: Pick<Directories, "credentials">,
  stateDir: string,
  mode = process.env["SILO_MODE"],
): (appliance: string) => Place {
  return mode === "trial" ? linuxKeyring : wrappedFiles(stateDir, credential(dirs, "keystore"));
}

/** Secrets of the process whose durable folder is `stateDir`, in files `secrets/NAME` of: nonce, ciphertext, tag. */
export function wrappedFiles(stateDir: string, key: Uint8Array): (appliance: string) => Place {
  if (key.length !== WRAPPING_KEY_BYTES)
    throw new KeystoreError(`The credential keystore has ${key.length} bytes, not ${WRAPPING_KEY_BYTES}.`);
  const folder = join(stateDir, "secrets");
  return (appliance) => ({
    read(name) {
      const sealed = readIfThere(pathOf(folder, name));
      return sealed === null ? null : open(sealed, key, about(appliance, name), name);
    },
    write(name, secret) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeDurably(pathOf(folder, name), wrap(secret, key, about(appliance, name)));
    },
  });
}

function pathOf(folder: string, name: string): string {
  if (!NAME.test(name)) throw new KeystoreError("A secret's name is lower case letters, digits and -.");
  return join(folder, name);
}

function about(appliance: string, name: string): Buffer {
  return Buffer.from(`silo secret ${appliance} ${name}`);
}

function wrap(secret: Uint8Array, key: Uint8Array, context: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(context);
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

function open(sealed: Buffer, key: Uint8Array, context: Buffer, name: string): Uint8Array {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const tag = sealed.subarray(-TAG_BYTES);
    const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(context).setAuthTag(tag);
    return Uint8Array.from(Buffer.concat([cipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]));
  } catch {
    throw new KeystoreError(
      `The secret ${name} is not what this appliance wrote there: it was changed, or comes from another one. Restore it, or begin again with an ` +
        "empty state directory.",
    );
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new KeystoreError(`${path} cannot be read.`);
  }
}
