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
import { slotUids } from "./uids.ts";

/** Where the host keeps what a cell sees. */
export type Places = { tree: string; bundles: string; sockets: string; sdk: string; runner: string };

export const places: Places = {
  tree: "/usr/lib/silo/cell",
  bundles: "/var/silo/bundles",
  sockets: "/run/silo/cells",
  sdk: "/opt/silo/agents/sdk",
  runner: "/opt/silo/jail/cell",
};

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

export function bundlePath(start: Start, at: Places = places): string {
  return `${at.bundles}/${start.bundle}`;
}

export function socketFolder(start: Start, at: Places = places): string {
  return `${at.sockets}/${start.slot}`;
}

/** The whole argument list that starts the cell, program first. */
export function nspawnArguments(start: Start, at: Places = places): string[] {
  const { first, last } = slotUids(start.slot);
  return [
    // A jailer that dies takes its nspawns along, and those their cells.
    "/usr/bin/setpriv",
    "--pdeathsig=KILL",
    "/usr/bin/systemd-nspawn",
    "--quiet",
    "--settings=no",
    "--register=no",
    "--keep-unit",
    "--console=pipe",
    `--directory=${at.tree}`,
    `--machine=cell-${start.slot}`,
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
    `--bind-ro=${bundlePath(start, at)}:/bundle`,
    `--bind-ro=${socketFolder(start, at)}:/run/silo`,
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
