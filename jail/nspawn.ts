/**
 * Isolation `nspawn`: what systemd-nspawn(1) is told for one cell. A pure function; nothing here runs anything.
 *
 * Threat: an agent that tries every way out: files, processes, network and kernel of the host, other cells, other bundles.
 * Contract: user, pid, ipc, uts, net and mount namespaces of its own; host uids of its slot alone; no capability and no way to
 * one; a read-only root; one writable folder of bounded size; its door's socket and its bundle, and nothing of another cell.
 * Failure: nspawn refuses to start what it cannot set up, and ends with NSPAWN_FAILED.
 */
import { rlimits, WORK_FILES_MAX, workBytes } from "./limits.ts";
import type { Start } from "./messages.ts";
import { slotUids } from "./processes.ts";

/** Where the host keeps what a cell sees. */
export type Places = { tree: string; bundles: string; sockets: string; sdk: string; runner: string };

export const places: Places = {
  tree: "/usr/lib/silo/cell",
  bundles: "/var/silo/bundles",
  sockets: "/run/silo/cells",
  sdk: "/opt/silo/agents/sdk",
  runner: "/opt/silo/jail/cell",
};

export const NSPAWN = "/usr/bin/systemd-nspawn";

/** What nspawn itself ends with when the cell could not be started. */
export const NSPAWN_FAILED = 1;

/** nspawn's own environment; the cell's is in the argument list. */
export const nspawnEnvironment = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  // /tmp stays the tree's own, read-only: what may be written is /work and its size.
  SYSTEMD_NSPAWN_TMPFS_TMP: "0",
};

/** The cell's environment. A fixed hash seed, locale and time zone make a re-run do what the first run did. */
const CELL_ENVIRONMENT = {
  HOME: "/work",
  LANG: "C.UTF-8",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONHASHSEED: "0",
  TMPDIR: "/work",
  TZ: "UTC",
};

export function bundlePath(bundle: string, at = places): string {
  return `${at.bundles}/${bundle}`;
}

export function socketFolder(slot: number, at = places): string {
  return `${at.sockets}/${slot}`;
}

/** In the command line of every nspawn of ours, and of no other. */
export const treeArgument = `--directory=${places.tree}`;

/** The whole argument list that starts the cell, program first. */
export function nspawnArguments(start: Start, at = places): string[] {
  const { first, last } = slotUids(start.slot);
  return [
    NSPAWN,
    "--quiet",
    "--settings=no",
    "--register=no",
    "--keep-unit",
    "--console=pipe",
    `--directory=${at.tree}`,
    // A name that was never used: what a killed nspawn leaves in /run under its name cannot stand in the way.
    `--machine=${start.cell.replace("_", "-")}`,
    "--hostname=cell",
    "--link-journal=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--as-pid2",
    "--user=agent",
    "--chdir=/work",
    "--private-network",
    "--read-only",
    `--private-users=${first}:${last - first + 1}`,
    "--private-users-ownership=off",
    "--drop-capability=all",
    "--no-new-privileges=yes",
    ...Object.entries(rlimits(start.resources)).map(([name, value]) => `--rlimit=${name}=${value}`),
    `--bind-ro=${at.runner}:/usr/lib/silo/cell`,
    `--bind-ro=${at.sdk}:/usr/lib/silo/sdk`,
    `--bind-ro=${bundlePath(start.bundle, at)}:/bundle`,
    `--bind-ro=${socketFolder(start.slot, at)}:/run/silo`,
    `--tmpfs=/work:mode=0777,size=${workBytes(start.resources)},nr_inodes=${WORK_FILES_MAX},nosuid,nodev,noexec`,
    "--tmpfs=/dev/shm:mode=0000,size=4k,nr_inodes=1,ro,nosuid,nodev,noexec",
    ...Object.entries(CELL_ENVIRONMENT).map(([name, value]) => `--setenv=${name}=${value}`),
    "--",
    "/usr/bin/python3",
    "-S",
    "-P",
    "/usr/lib/silo/cell/run.py",
  ];
}
