/** Does a control group bound what is in it? A group is made, this process goes into it, and may start nothing more. */
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { type Finding, holds, lowered, type Mode } from "./finding.ts";
import { tryProgram } from "./try.ts";

const REMEDY =
  "start the host with cgroup v2 alone (systemd.unified_cgroup_hierarchy=1) and let it delegate cpu, memory and pids";

export function cgroups(mode: Mode, root = "/sys/fs/cgroup"): Finding {
  const group = `${root}/silo-doctor-${process.pid}`;
  try {
    mkdirSync(group);
  } catch (error) {
    return unbounded(mode, (error as Error).message);
  }
  try {
    for (const [file, value] of [
      ["memory.max", "max"],
      ["cpu.max", "max 100000"],
      ["pids.max", "1"],
    ] as const)
      writeFileSync(`${group}/${file}`, value, { flag: "r+" });
    writeFileSync(`${group}/cgroup.procs`, String(process.pid), { flag: "r+" });
    const bounded = !tryProgram(["true"]).ok;
    writeFileSync(`${root}/cgroup.procs`, String(process.pid), { flag: "r+" });
    return bounded
      ? holds("cgroups", "memory, processes and processor of a cell are bounded as a whole")
      : unbounded(mode, "a bound did not bind");
  } catch (error) {
    return unbounded(mode, (error as Error).message);
  } finally {
    rmdirSync(group);
  }
}

function unbounded(mode: Mode, why: string): Finding {
  return lowered(mode, "cgroups", `cells are bounded by rlimits and tmpfs sizes alone: ${why}`, REMEDY);
}
