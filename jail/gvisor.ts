/**
 * Isolation `gvisor`: what runsc is told for one cell, and in what it runs. A pure function; nothing here runs anything.
 *
 * Threat: an agent that tries every way out, and one that has taken over the sentry (the Linux kernel it sees) or its gofer.
 * Contract: the agent meets no system call of the host. Sentry, gofer and runsc itself have host uids of the cell's slot alone, no
 * capability outside a user namespace of these uids, an empty network, no process but their own to see, and as files what bubblewrap
 * composes here: the tree, this cell's folders, and two programs. No folder of the host is written; nothing is left to clear away.
 * Failure: each program of the chain refuses to start what it cannot set up, and ends with 1, 127 or 128.
 */
import { AGENT, ENVIRONMENT, firstProgram, folders, NOTHING, type Places, places, workOptions } from "./inside.ts";
import type { Isolation } from "./isolation.ts";
import { rlimits } from "./limits.ts";
import type { Start } from "./messages.ts";
import { slotUids } from "./processes.ts";

const UNSHARE = "/usr/bin/unshare";
const RUNSC = "/usr/bin/runsc";
/** Where the chain's own files are; the cell does not see them. */
const HERE = { runsc: "/runsc", unshare: "/unshare", bundle: "/oci", state: "/state", root: "/cell" };
const DESCRIPTOR = 3;
/** The sentry's own, which it shows in every cell: code of its that no agent has a use for. */
const USELESS_DEVICES = ["/dev/net", "/dev/fuse"];

export const gvisor: Isolation = {
  command: (start, at = places) => ({
    argv: [...namespaces, ...files(start, at), ...users(start.slot), ...runsc(start.cell)],
    environment: { PATH: "/usr/bin" },
    given: JSON.stringify(configuration(start, at)),
  }),
  failures: [1, 127, 128],
  mark: { program: UNSHARE, argument: HERE.root },
};

/** Namespaces of its own but for users, so that what has to be mounted can still be reached. They end with the jailer. */
const namespaces = [
  "/usr/bin/setpriv",
  "--pdeathsig=KILL",
  "--",
  UNSHARE,
  "--mount",
  "--mount-proc",
  "--pid",
  "--fork",
  "--kill-child=SIGKILL",
  "--net",
  "--ipc",
  "--uts",
  "--cgroup",
  "--",
];

/** All files there are from here on (bwrap(1)). The configuration is read from a descriptor and is on no disk. */
function files(start: Start, at: Places): string[] {
  return [
    "/usr/bin/bwrap",
    "--die-with-parent",
    "--cap-add",
    "ALL",
    "--tmpfs",
    "/",
    "--bind",
    "/proc",
    "/proc",
    "--dev",
    "/dev",
    "--dir",
    "/tmp",
    ...readOnly(RUNSC, HERE.runsc),
    ...readOnly(UNSHARE, HERE.unshare),
    // unshare is linked to libc, and the cells' tree has the same one.
    ...readOnly(`${at.tree}/usr`, "/usr"),
    ...symlink("usr/lib", "/lib"),
    ...symlink("usr/lib64", "/lib64"),
    ...readOnly(at.tree, HERE.root),
    ...Object.entries(folders(start, at)).flatMap(([inside, outside]) => readOnly(outside, source(inside))),
    "--perms",
    "0444",
    "--ro-bind-data",
    String(DESCRIPTOR),
    `${HERE.bundle}/config.json`,
    "--perms",
    "1777",
    "--tmpfs",
    HERE.state,
    "--",
  ];
}

function readOnly(outside: string, inside: string): string[] {
  return ["--ro-bind", outside, inside];
}

function symlink(to: string, path: string): string[] {
  return ["--symlink", to, path];
}

/** Where runsc finds what a cell has at `inside`: at the top, for folders that bubblewrap makes on the way are closed to others. */
function source(inside: string): string {
  return `/${inside.slice(1).replaceAll("/", "-")}`;
}

/** From here on nobody is root of the host. */
function users(slot: number): string[] {
  const { first, last } = slotUids(slot);
  const mapping = `0:${first}:${last - first + 1}`;
  return [
    HERE.unshare,
    "--user",
    `--map-users=${mapping}`,
    `--map-groups=${mapping}`,
    "--setuid=0",
    "--setgid=0",
    "--",
  ];
}

function runsc(cell: string): string[] {
  return [
    HERE.runsc,
    `--root=${HERE.state}`,
    // Named, as runsc would take another where it finds one.
    "--platform=systrap",
    "--network=none",
    // Sockets that are there may be connected to. The folders hold one: the cell's own.
    "--host-uds=open",
    // Files by way of the gofer alone: the sentry's own filter then lets it open none.
    "--directfs=false",
    "--overlay2=none",
    "--ignore-cgroups",
    "run",
    `--bundle=${HERE.bundle}`,
    cell,
  ];
}

/** The OCI runtime configuration (config.json of version 1.2). */
function configuration(start: Start, at: Places): object {
  return {
    ociVersion: "1.2.0",
    hostname: "cell",
    root: { path: HERE.root, readonly: true },
    process: {
      user: { uid: AGENT.id, gid: AGENT.id },
      args: firstProgram(start),
      env: Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
      cwd: "/work",
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      rlimits: Object.entries(rlimits(start.resources)).map(([name, value]) => ({
        type: `RLIMIT_${name}`,
        soft: value,
        hard: value,
      })),
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["ro"] },
      tmpfs("/sys", NOTHING),
      ...Object.keys(folders(start, at)).map((destination) => bind(source(destination), destination)),
      // runsc would mount one that may be written over the tree's own.
      bind(`${HERE.root}/tmp`, "/tmp"),
      tmpfs("/work", workOptions(start)),
      ...USELESS_DEVICES.map((path) => tmpfs(path, NOTHING)),
    ],
    linux: { namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })) },
  };
}

function tmpfs(destination: string, options: string[]): object {
  return { destination, type: "tmpfs", source: "tmpfs", options };
}

function bind(source: string, destination: string): object {
  return { destination, type: "bind", source, options: ["bind", "ro", "nosuid", "nodev"] };
}
