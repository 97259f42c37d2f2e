/**
 * What only control groups can bound: a cell's memory as a whole, its processes as a whole, its share of the processor.
 * cgroup v2 alone (Documentation/admin-guide/cgroup-v2.rst of the kernel), where the host lets the jailer divide its own group.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import type { Resources } from "../kernel/abi/messages.ts";

const CONTROLLERS = ["cpu", "memory", "pids"];
const MIB = 1024 * 1024;
const CPU_PERIOD_US = 100_000;
/** nspawn and the cell's first process, beside the agent's own. */
const PROCESSES_EXTRA = 8;

export type Cgroups = {
  /** Runs `spawn` so that what it starts is in the cell's group from its first instruction. */
  enter<T>(cell: string, resources: Resources, spawn: () => T): T;
  /** Removes the group of a cell of which nothing is left. */
  remove(cell: string): void;
};

/** File of the group -> what is written into it. Swap is none: memory that may be swapped is not bounded. */
export function groupLimits(resources: Resources): Record<string, string> {
  return {
    "cpu.max": `${CPU_PERIOD_US} ${CPU_PERIOD_US}`,
    "memory.max": String(resources.memory_mib * MIB),
    "memory.oom.group": "1",
    "memory.swap.max": "0",
    "pids.max": String(resources.processes + PROCESSES_EXTRA),
  };
}

/** The folder of this process's own cgroup v2, from `/proc/self/cgroup` and `/proc/self/mountinfo`; undefined where there is none. */
export function ownGroup(cgroup: string, mountinfo: string): string | undefined {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  const mount = /^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 /m.exec(mountinfo);
  if (path === undefined || mount === null) return undefined;
  const [, root = "/", point = ""] = mount;
  const below = root === "/" ? path : path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
  return `${point}${below}`.replace(/\/$/, "");
}

/**
 * Divides the group `home`: one for the jailer, one for each cell. Returns a sentence instead where the host does not allow it.
 * `controllers` are what every cell's group must have.
 */
export function openCgroups(home: string | undefined, controllers: readonly string[] = CONTROLLERS): Cgroups | string {
  if (home === undefined) return "This host has no cgroup v2.";
  try {
    const offered = readFileSync(`${home}/cgroup.controllers`, "utf8").trim().split(" ");
    const missing = controllers.filter((name) => !offered.includes(name));
    if (missing.length > 0) return `The host's cgroup v2 does not offer ${missing.join(", ")}.`;
    mkdirSync(`${home}/jailer`, { recursive: true });
    moveInto(`${home}/jailer`);
    writeFileSync(`${home}/cgroup.subtree_control`, controllers.map((name) => `+${name}`).join(" "));
  } catch (error) {
    return `The host's cgroup v2 cannot be divided: ${(error as Error).message}.`;
  }
  return divided(home);
}

function divided(home: string): Cgroups {
  return {
    enter(cell, resources, spawn) {
      const group = `${home}/${cell}`;
      mkdirSync(group);
      for (const [file, value] of Object.entries(groupLimits(resources))) writeFileSync(`${group}/${file}`, value);
      // A child is born into its parent's group, and spawning is synchronous: no moment outside the limits.
      moveInto(group);
      try {
        return spawn();
      } finally {
        moveInto(`${home}/jailer`);
      }
    },
    remove: (cell) => removeGroup(`${home}/${cell}`),
  };
}

function moveInto(group: string): void {
  writeFileSync(`${group}/cgroup.procs`, String(process.pid));
}

function removeGroup(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(`${group}/${entry.name}`);
  }
  rmdirSync(group);
}
