/**
 * A session keyring per process that holds long-lived secrets, and per state directory.
 *
 * It hangs in root's user keyring, so that it outlives a killed process and a stopped launcher, and ends with the machine's power.
 * Only the process's own user can join it (keyrings(7), keyctl(1)).
 */
import type { Accounts } from "./accounts.ts";
import { command } from "./command.ts";
import { type ServiceName, userOf } from "./processes.ts";

/** Possessor: everything. Its user: view, read, write, search, link. Group and others: nothing. */
const PERMISSIONS = "0x3f1f0000";

export function keyringName(name: ServiceName, appliance: string): string {
  return `${userOf(name)}-${appliance}`;
}

/** Makes the keyring where it is missing, for the process's user. */
export function makeKeyring(name: ServiceName, appliance: string, accounts: Accounts): void {
  const ring = keyringName(name, appliance);
  if (findKeyring(ring) !== undefined) return;
  const id = command("keyctl", "newring", ring, "@u");
  command("keyctl", "setperm", id, PERMISSIONS);
  command("keyctl", "chown", id, String(accounts.uid(userOf(name))));
}

/** Forgets the keyring and, once no process holds it, every key in it. */
export function dropKeyring(name: ServiceName, appliance: string): void {
  const id = findKeyring(keyringName(name, appliance));
  if (id !== undefined) command("keyctl", "unlink", id, "@u");
}

function findKeyring(ring: string): string | undefined {
  const listed = command("keyctl", "rlist", "@u").split(/\s+/).filter(Boolean);
  return listed.find((id) => command("keyctl", "rdescribe", id).endsWith(`;${ring}`));
}
