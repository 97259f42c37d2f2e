/**
 * The appliance's own secrets: made once, kept sealed, let out at each boot into a folder of memory from which systemd gives each process its own.
 *
 * Threat: a secret that reaches another process; one that lies on a disk.
 * Contract: one wrapping key for each process that keeps secrets (kernel/process/wrapped.ts); what else processes are given is made at each boot, or
 * was given by an administrator. A wrapping key that was lost is made anew, and then its process does not start: what it wrapped with the lost one
 * does not open. A name of a file says whose it is and what: `silo.PROCESS.CREDENTIAL`.
 * Failure: throws `LaunchError`; no process starts.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeDurably } from "../../kernel/process/durably.ts";
import { WRAPPING_KEY_BYTES } from "../../kernel/process/wrapped.ts";
import { services } from "../up/processes.ts";

/** How secrets are kept: sealed to a TPM, or on a machine without one as they are. */
export type Keeper = {
  close(name: string, secret: Uint8Array): Uint8Array;
  open(name: string, kept: Uint8Array): Uint8Array;
};

export type Folders = {
  /** `/var/silo`. */
  state: string;
  /** `/run/credstore`, in memory, root's alone. */
  store: string;
};

/** The name under which a credential is sealed, and its file. */
export function credentialName(process: string, credential: string): string {
  return `silo.${process}.${credential}`;
}

/** Wrapping keys of the processes that keep secrets: made at the first boot, opened at every other. */
export function openKeystores({ state, store }: Folders, keeper: Keeper): void {
  for (const { name } of services.filter(({ keyring }) => keyring)) {
    const credential = credentialName(name, "keystore");
    const kept = `${state}/sealed/${credential}`;
    if (!existsSync(kept)) {
      writeDurably(kept, keeper.close(credential, randomBytes(WRAPPING_KEY_BYTES)));
    }
    putInto(store, credential, keeper.open(credential, readFileSync(kept)));
  }
}

/** What an administrator gave (console/boot/give.ts). */
export function openGiven({ state, store }: Folders, keeper: Keeper): void {
  const keystores = services.map(({ name }) => credentialName(name, "keystore"));
  for (const credential of readdirSync(`${state}/sealed`).filter((name) => /^silo\.[a-z.]+$/.test(name))) {
    if (!keystores.includes(credential))
      putInto(store, credential, keeper.open(credential, readFileSync(`${state}/sealed/${credential}`)));
  }
}

/** Readable by root alone, who hands it to the one process (systemd.exec(5), LoadCredential=). */
export function putInto(store: string, credential: string, secret: Uint8Array): void {
  writeFileSync(`${store}/${credential}`, secret, { mode: 0o400, flag: "wx" });
}

export function empty(store: string): void {
  for (const name of readdirSync(store)) rmSync(`${store}/${name}`);
}
