/** What a cell has inside, whichever isolation holds it: its files, its environment and the program it begins with. */
import { readdirSync } from "node:fs";
import { WORK_FILES_MAX, workBytes } from "./limits.ts";
import type { Start } from "./messages.ts";

/** Where the host keeps what a cell sees. */
export type Places = {
  tree: string;
  bundles: string;
  sockets: string;
  sdk: string;
  runner: string;
  /** What the Linux kernel tells in /proc of itself and the machine. */
  proc: { files: readonly string[]; folders: readonly string[] };
};

/** What the Linux kernel tells is looked up for each cell: a module that is loaded tells more. */
export function placesWith(proc: string): Places {
  return {
    tree: "/usr/lib/silo/cell",
    bundles: "/var/silo/bundles",
    sockets: "/run/silo/cells",
    sdk: "/opt/silo/agents/sdk",
    runner: "/opt/silo/jail/cell",
    get proc() {
      return machineIn(proc);
    },
  };
}

export const places = placesWith("/proc");

/** All but processes and the links to one's own (`self`, `net`, `mounts`). */
function machineIn(proc: string): Places["proc"] {
  const entries = readdirSync(proc, { withFileTypes: true }).filter(
    (entry) => !entry.isSymbolicLink() && !/^[0-9]+$/.test(entry.name),
  );
  const names = (folders: boolean) =>
    entries.filter((entry) => entry.isDirectory() === folders).map(({ name }) => name);
  return { files: names(false), folders: names(true) };
}

export function bundlePath(bundle: string, at = places): string {
  return `${at.bundles}/${bundle}`;
}

export function socketFolder(slot: number, at = places): string {
  return `${at.sockets}/${slot}`;
}

/** The host's folders in a cell, by their path in it; none can be written. All else is the tree, which cannot either. */
export function folders({ bundle, slot }: Start, at: Places): Record<string, string> {
  return {
    "/usr/lib/silo/cell": at.runner,
    "/usr/lib/silo/sdk": at.sdk,
    "/bundle": bundlePath(bundle, at),
    "/run/silo": socketFolder(slot, at),
  };
}

const LOCKED = ["nosuid", "nodev", "noexec"];

/** Options of the one folder that may be written, a tmpfs (tmpfs(5)). */
export function workOptions({ resources }: Start): string[] {
  return ["mode=0777", `size=${workBytes(resources)}`, `nr_inodes=${WORK_FILES_MAX}`, ...LOCKED];
}

/** Options of a tmpfs that hides what is below it: there is nothing in it, and nobody may look. */
export const NOTHING = ["mode=0000", "size=4k", "nr_inodes=1", "ro", ...LOCKED];

/** Root of a cell is nobody special in it, and the agent is not even that: `agent` in the tree's passwd. */
export const AGENT = { name: "agent", id: 1000 };

/** A fixed hash seed, locale and time zone make a re-run do what the first run did. */
export const ENVIRONMENT = {
  HOME: "/work",
  LANG: "C.UTF-8",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONHASHSEED: "0",
  TMPDIR: "/work",
  TZ: "UTC",
};

/** The first program and its arguments: jail/cell/run.py, told which isolation to expect round it. */
export function firstProgram({ isolation }: Start): string[] {
  return ["/usr/bin/python3", "-S", "-P", "/usr/lib/silo/cell/run.py", isolation];
}
