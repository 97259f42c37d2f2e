/** What processes take of the machine's memory. */
import { readdirSync, readFileSync } from "node:fs";

const KIB_A_MIB = 1024;

/** The proportional set size (proc_pid_smaps(5)) of these processes together, in MiB. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((all, pid) => all + field(`/proc/${pid}/smaps_rollup`, "Pss"), 0) / KIB_A_MIB;
}

/** All that descends from this process, itself not among it. */
export function descendantsOf(root: number): number[] {
  const found = childrenOf(root);
  for (const pid of found) found.push(...childrenOf(pid));
  return found;
}

/** What the machine could still give, in MiB (MemAvailable of proc_meminfo(5)). */
export function availableMib(): number {
  return field("/proc/meminfo", "MemAvailable") / KIB_A_MIB;
}

/** A number of KiB; none where the process ended meanwhile. */
function field(path: string, name: string): number {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(path, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Of all its threads: a child belongs to the one that made it. */
function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
    return lists.join(" ").split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // it ended meanwhile
  }
}
