/**
 * Isolation `nspawn`: what systemd-nspawn(1) is told for one cell. A pure function; nothing here runs anything.
 *
 * Threat: an agent that tries every way out: files, processes, network and kernel of the host, other cells, other bundles.
 * Contract: user, pid, ipc, uts, net and mount namespaces of its own; host uids of its slot alone; no capability and no way to
 * one; a read-only root; one writable folder of bounded size; its door's socket and its bundle, and nothing of another cell.
 * Failure: nspawn refuses to start what it cannot set up, and ends with 1.
 */
import { AGENT, ENVIRONMENT, firstProgram, folders, NOTHING, type Places, places, workOptions } from "./inside.ts";
import type { Command, Isolation } from "./isolation.ts";
import { rlimits } from "./limits.ts";
import type { Start } from "./messages.ts";
import { slotUids } from "./processes.ts";

const NSPAWN = "/usr/bin/systemd-nspawn";

/** nspawn's own environment; the cell's is in the argument list. */
const environment = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  // What may be written is /work and its size; without this there would be another one below the cover of /tmp.
  SYSTEMD_NSPAWN_TMPFS_TMP: "0",
};

export const nspawn: Isolation = {
  command,
  failures: [1],
  mark: { program: NSPAWN, argument: `--directory=${places.tree}` },
};

/** nspawn has covered this one by then, with a pipe that is nowhere else. */
const KMSG = "kmsg";

/**
 * System calls that nspawn's own filter lets a container make and no agent needs. jail/cell/narrow.py refuses them too: this is another
 * program, and in force before the cell's first. Neither looks into what the other does.
 */
export const REFUSED_CALLS: readonly (readonly [calls: string, why: string])[] = [
  ["unshare setns mount umount2 pivot_root chroot", "No agent needs another view of the machine."],
  ["memfd_create", "A file that is on no disk could be run."],
  ["io_setup landlock_create_ruleset kcmp personality", "Parts of the kernel that no agent needs."],
  ["mbind set_mempolicy get_mempolicy sysinfo", "What the machine has is not for an agent to know or choose."],
  ["bind listen", "Nobody calls an agent."],
  [
    "shmget semget msgget mq_open timer_create inotify_init inotify_init1",
    "What the kernel keeps for a process is bounded.",
  ],
];

/** A folder of the tree in which there is nothing. */
const EMPTY = "/home";

/**
 * Covers `path` with `cover`, a path inside the cell. nspawn mounts what is to be below /proc last, and within the cell: this way
 * it also covers what nspawn itself puts into /sys and /run/host.
 */
function hidden(path: string, cover: string): string {
  return `--bind-ro=${cover}:/proc/self/root${path}`;
}

function command(start: Start, at: Places = places): Command {
  const { first, last } = slotUids(start.slot);
  const argv = [
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
    `--user=${AGENT.name}`,
    "--chdir=/work",
    "--private-network",
    "--read-only",
    `--private-users=${first}:${last - first + 1}`,
    "--private-users-ownership=off",
    "--drop-capability=all",
    "--no-new-privileges=yes",
    `--system-call-filter=~${REFUSED_CALLS.map(([calls]) => calls).join(" ")}`,
    ...Object.entries(rlimits(start.resources)).map(([name, value]) => `--rlimit=${name}=${value}`),
    ...Object.entries(folders(start, at)).map(([inside, outside]) => `--bind-ro=${outside}:${inside}`),
    `--tmpfs=/work:${workOptions(start)}`,
    ...["/dev/shm", "/tmp"].map((path) => `--tmpfs=${path}:${NOTHING}`),
    ...at.proc.files.filter((name) => name !== KMSG).map((name) => hidden(`/proc/${name}`, "/dev/null")),
    ...at.proc.folders.map((name) => hidden(`/proc/${name}`, EMPTY)),
    ...["/sys", "/run/host"].map((path) => hidden(path, EMPTY)),
    ...Object.entries(ENVIRONMENT).map(([name, value]) => `--setenv=${name}=${value}`),
    "--",
    ...firstProgram(start),
  ];
  return { argv, environment, given: null };
}
