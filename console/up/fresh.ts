/** Begins anew: forgets everything a state directory holds, and the keys in the keyring that belong to it. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dropKeyrings } from "./keyring.ts";
import { LaunchError } from "./launch-error.ts";

/** Where a start keeps the name under which its keyrings lie. */
export function identityPath(state: string): string {
  return `${state}/console/id`;
}

/** Empties the folders. One that holds anything, but was never started on, is not ours to empty: throws. */
export function forgetState(state: string, ...others: readonly string[]): void {
  const identity = identityPath(state);
  if (existsSync(identity)) dropKeyrings(readFileSync(identity, "utf8"));
  else if (readdirSync(state).length > 0)
    throw new LaunchError("The state directory holds files that are not SiloOS's. Name an empty one, or remove them.");
  for (const folder of [...others, state]) empty(folder);
}

function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(`${folder}/${name}`, { recursive: true, force: true });
}
