/**
 * A session keyring per process that holds long-lived secrets, and per state directory.
 *
 * It hangs in root's user keyring, so that it outlives a killed process and a stopped launcher, and ends with the machine's power.
 * Only the process's own user can join it (keyrings(7), keyctl(1)).
 */
import { existsSync } from "node:fs";
import type { Accounts } from "./accounts.ts";
import { command } from "./command.ts";
import { type Service, type ServiceName, services, userOf } from "./processes.ts";

/** Possessor: everything. Its user: view, read, write, search, link. Group and others: nothing. */
const PERMISSIONS = "0x3f1f0000";

/**
 * A keyring nobody uses for so long goes, with its keys, as persistent-keyring(7) do: state directories are thrown away by hand, and a
 * user's quota of keys is small. A running launcher touches its own every TOUCH_MS.
 */
export const KEEP_SECONDS = 7 * 24 * 60 * 60;
export const TOUCH_MS = 60 * 60 * 1000;

const keepers: readonly Service[] = services.filter(({ keyring }) => keyring);

export function keyringName(name: ServiceName, appliance: string): string {
  return `${userOf(name)}-${appliance}`;
}

/** Whether a process has secrets to look for (its keystore says so) and their keyring is gone. */
export function keysAreGone(state: string, appliance: string): boolean {
  const madeSome = keepers.filter(({ name }) => existsSync(`${state}/${name}/keystore.json`));
  return madeSome.some(({ name }) => findKeyring(keyringName(name, appliance)) === undefined);
}

/** Makes the keyrings that are missing, each for its process's user. */
export function makeKeyrings(appliance: string, accounts: Accounts): void {
  for (const { name } of keepers) {
    const ring = keyringName(name, appliance);
    if (findKeyring(ring) !== undefined) continue;
    const id = command("keyctl", "newring", ring, "@u");
    command("keyctl", "setperm", id, PERMISSIONS);
    command("keyctl", "chown", id, String(accounts.uid(userOf(name))));
  }
  touchKeyrings(appliance);
}

/** They live on for KEEP_SECONDS from now. */
export function touchKeyrings(appliance: string): void {
  for (const id of findKeyrings(appliance)) command("keyctl", "timeout", id, String(KEEP_SECONDS));
}

/** Forgets them and, once no process holds one, every key in it. */
export function dropKeyrings(appliance: string): void {
  for (const id of findKeyrings(appliance)) command("keyctl", "unlink", id, "@u");
}

function findKeyrings(appliance: string): string[] {
  return keepers.flatMap(({ name }) => findKeyring(keyringName(name, appliance)) ?? []);
}

function findKeyring(ring: string): string | undefined {
  const listed = command("keyctl", "rlist", "@u").split(/\s+/).filter(Boolean);
  return listed.find((id) => describe(id).endsWith(`;${ring}`));
}

/** Another appliance's may go at any time. */
function describe(id: string): string {
  try {
    return command("keyctl", "rdescribe", id);
  } catch {
    return "";
  }
}
