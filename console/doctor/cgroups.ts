/** Does a control group bound what is in it? A group is made, this process goes into it, and may start nothing more. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { type Finding, holds, lowered, type Mode } from "./finding.ts";
import { tryProgram } from "./try.ts";

const REMEDY =
  "start the host with cgroup v2 alone (systemd.unified_cgroup_hierarchy=1) and let it delegate cpu, memory and pids";
const BOUNDS = { "memory.max": "max", "cpu.max": "max 100000", "pids.max": "1" };

export function cgroups(mode: Mode, root = "/sys/fs/cgroup"): Finding {
  const home = `${root}${ownGroup(readFileSync("/proc/self/cgroup", "utf8"))}`;
  try {
    const bounded = inGroup(`${root}/silo-doctor-${process.pid}`, home, BOUNDS, () => !tryProgram(["true"]).ok);
    return bounded
      ? holds("cgroups", "memory, processes and processor of a cell are bounded as a whole")
      : unbounded(mode, "a bound did not bind");
  } catch (error) {
    return unbounded(mode, (error as Error).message);
  }
}

/** Where this process is below the mount, from `/proc/self/cgroup` (cgroups(7)): empty for the root. */
export function ownGroup(cgroup: string): string {
  return /^0::(\/.+)$/m.exec(cgroup)?.[1] ?? "";
}

/** What `work` says in a new group with these bounds (file -> text). Afterwards this process is in `home` again, and the group gone. */
export function inGroup<T>(group: string, home: string, bounds: Record<string, string>, work: () => T): T {
  mkdirSync(group);
  try {
    // None is made: a folder that is no control group has no such files.
    for (const [file, value] of Object.entries(bounds)) writeFileSync(`${group}/${file}`, value, { flag: "r+" });
    enter(group);
    try {
      return work();
    } finally {
      enter(home);
    }
  } finally {
    remove(group);
  }
}

function enter(group: string): void {
  writeFileSync(`${group}/cgroup.procs`, String(process.pid));
}

/** One that cannot be removed is empty and harmless, and must not hide what was found. */
function remove(group: string): void {
  try {
    rmdirSync(group);
  } catch {}
}

function unbounded(mode: Mode, why: string): Finding {
  return lowered(mode, "cgroups", `cells are bounded by rlimits and tmpfs sizes alone: ${why}`, REMEDY);
}
