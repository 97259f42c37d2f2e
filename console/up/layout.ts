/**
 * The directories of a running appliance as a plan: path, owner, group, mode. Of the appliance and the trial alike.
 *
 * Threat: a directory open to one user too many is an edge nobody decided on.
 * Contract: every socket directory comes from the edge table and is open to its sender's group alone; everything else belongs to one
 * process, but for what one writes and another reads: the published log, and how far of it was exported. What exists with another owner or mode is put right, and folders of sockets and credentials begin empty.
 * Failure: throws before any process starts.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { SLOTS_MAX } from "../../kernel/abi/bounds.ts";
import { type Edge, proxies } from "../../kernel/abi/edges.ts";
import type { Accounts } from "./accounts.ts";
import { LaunchError } from "./launch-error.ts";
import { type Service, userOf } from "./processes.ts";

export type Folder = { path: string; owner: string; group: string; mode: number; empty: boolean };

function folder(path: string, owner: string, mode: number, group = owner): Folder {
  return { path, owner, group, mode, empty: false };
}

const emptied = (made: Folder): Folder => ({ ...made, empty: true });

/** Parents before children. `run` is `/run/silo`, `state` is `/var/silo`. */
export function planFolders(
  services: readonly Service[],
  edges: readonly Edge[],
  run: string,
  state: string,
): Folder[] {
  return [...runFolders(services, edges, run), ...stateFolders(state)];
}

/** What a launcher needs that has no systemd beside it. */
export function planTrialFolders(services: readonly Service[], run: string, state: string): Folder[] {
  return [
    emptied(folder(`${run}/credentials`, "root", 0o711)),
    ...services.map(({ name }) => folder(`${run}/credentials/${name}`, userOf(name), 0o500)),
    emptied(folder(`${run}/filters`, "root", 0o755)),
    folder(`${state}/log`, "root", 0o700),
  ];
}

function runFolders(services: readonly Service[], edges: readonly Edge[], run: string): Folder[] {
  return [
    folder(run, "root", 0o755),
    ...services.map(({ name }) => emptied(folder(`${run}/${name}`, userOf(name), 0o711))),
    ...edges.map(({ from, to }) => folder(`${run}/${to}/${from}`, userOf(to), 0o2710, userOf(from))),
    emptied(folder(`${run}/cells`, "silo-door", 0o700)),
    ...Array.from({ length: SLOTS_MAX }, (_, slot) => folder(`${run}/cells/${slot}`, "silo-door", 0o711)),
  ];
}

function stateFolders(state: string): Folder[] {
  return [
    folder(state, "root", 0o755),
    folder(`${state}/agents`, "root", 0o755),
    folder(`${state}/bundles`, "silo-kernel", 0o700),
    folder(`${state}/kernel`, "silo-kernel", 0o700),
    folder(`${state}/audit`, "silo-kernel", 0o2750, "silo-siem"),
    folder(`${state}/siem`, "silo-siem", 0o2750, "silo-kernel"),
    folder(`${state}/config`, "silo-kernel", 0o755),
    folder(`${state}/vault`, "silo-vault", 0o700),
    folder(`${state}/sealed`, "root", 0o700),
    folder(`${state}/proxies`, "root", 0o711),
    ...proxies.map((name) => folder(`${state}/proxies/${name}`, userOf(name), 0o700)),
    folder(`${state}/console`, "root", 0o700),
    folder(`${state}/console/people`, "root", 0o700),
    folder(`${state}/console/frontends`, "root", 0o700),
  ];
}

/** Makes the plan true, in its order. */
export function applyFolders(plan: readonly Folder[], accounts: Accounts): void {
  for (const { path, owner, group, mode, empty } of plan) {
    if (empty) rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    if (!lstatSync(path).isDirectory()) throw new LaunchError(`${path} is not a directory; remove it and start again.`);
    chownSync(path, accounts.uid(owner), accounts.gid(group));
    chmodSync(path, mode);
  }
}
