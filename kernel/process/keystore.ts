/**
 * Long-lived secrets that never lie on a disk in the clear: the kernel's signing keys, the vault's master key.
 *
 * Threat: a secret is quietly made anew because the old one could not be read, and everything sealed or signed with it is lost
 * or no longer believed; or one appliance takes another's secrets.
 * Contract: a name that once had a secret never gets another by itself. Which names have one is written beside the process's own
 * state, after the secret is kept, so a crash in between loses nothing.
 * Failure: throws `KeystoreError` with what to do; the process must not start.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Entry } from "@napi-rs/keyring";
import { type Static, Type } from "typebox";
import { randomText } from "../abi/ids.ts";
import { writeDurably } from "./durably.ts";
import { compile } from "./schema.ts";

export class KeystoreError extends Error {
  override name = "KeystoreError";
}

export type Keystore = {
  /** Random name of this appliance, made with its first secret. */
  readonly appliance: string;
  /** The secret of that name; made with `create` when there never was one. Throws `KeystoreError` when it is lost. */
  secret(name: string, create: () => Uint8Array): Uint8Array;
  /** Puts another secret in the place of the one of that name. */
  replace(name: string, secret: Uint8Array): void;
};

/** Where secrets lie: the Linux keyring, or files under a key that the TPM keeps (wrapped.ts). */
export type Place = { read(name: string): Uint8Array | null; write(name: string, secret: Uint8Array): void };

const Made = Type.Object(
  { appliance: Type.String({ pattern: "^[0-9a-z]{16}$" }), made: Type.Array(Type.String()) },
  { additionalProperties: false },
);
type Made = Static<typeof Made>;

const checkMade = compile(Made);
const FILE = "keystore.json";

/**
 * Opens the keystore of the process whose durable folder is `stateDir`. Without a place of their own its secrets lie in the Linux
 * keyring of the process's user: it must have been started under `keyctl session`.
 */
export function openKeystore(stateDir: string, place: (appliance: string) => Place = linuxKeyring): Keystore {
  const path = join(stateDir, FILE);
  const record = readRecord(path) ?? { appliance: randomText(16, randomBytes), made: [] };
  const secrets = place(record.appliance);
  return {
    appliance: record.appliance,
    secret(name, create) {
      const kept = secrets.read(name);
      if (kept !== null) {
        note(name); // a crash may have come between keeping and noting
        return kept;
      }
      if (record.made.includes(name)) throw new KeystoreError(lost(name, path));
      secrets.write(name, create());
      const made = secrets.read(name);
      if (made === null) throw new KeystoreError(`The secret ${name} was kept and cannot be read back.`);
      note(name);
      return made;
    },
    replace(name, secret) {
      secrets.write(name, secret);
      note(name);
    },
  };

  function note(name: string): void {
    if (record.made.includes(name)) return;
    record.made.push(name);
    writeDurably(path, JSON.stringify(record));
  }
}

function lost(name: string, path: string): string {
  return (
    `The secret ${name} was made earlier (${path}) and is gone: a reboot empties the kernel keyring. What was sealed or ` +
    "signed with it cannot be used any more. Restore it, or begin again with an empty state directory."
  );
}

function readRecord(path: string): Made | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new KeystoreError(`${path} cannot be read.`);
  }
  const checked = checkMade(parse(text));
  if (!checked.ok) throw new KeystoreError(`${path} is damaged: ${checked.why}.`);
  return checked.value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The kernel keyring of this user (keyrings(7)): in memory, gone at reboot, never on a disk. */
export function linuxKeyring(appliance: string): Place {
  const entry = (name: string) => new Entry(`silo-${appliance}`, name, { linux: { store: "keyutils" } });
  return {
    read(name) {
      const secret = attempt(() => entry(name).getSecret());
      return secret === null ? null : Uint8Array.from(secret);
    },
    write: (name, secret) => attempt(() => entry(name).setSecret(secret)),
  };
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new KeystoreError(
      `The kernel keyring cannot be used (${(error as Error).message}). Start this process under \`keyctl session\` ` +
        "of the package keyutils, as `silo up` does; if its quota is used up, see /proc/key-users.",
    );
  }
}
