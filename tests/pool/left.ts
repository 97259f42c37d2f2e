/** What cells could leave behind on the machine, as names that can be compared. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { isolations } from "../../jail/isolations.ts";
import { allUids, processesIn, processesOf } from "../../jail/processes.ts";

/** Where anything of a cell could lie, the files of sockets as well: those without a file end with a cell's own network. */
const FOLDERS = ["/run", "/var/tmp", "/dev/shm", "/mnt"];
/** They are the whole build root's, where others work at the same time. */
const SHARED = ["/tmp", "/dev/shm"];
const CGROUPS = "/sys/fs/cgroup";

/** Processes, mounts, control groups, folders and sockets that are there now. */
export function thingsNow(): string[] {
  return [
    ...processesIn(allUids).map((pid) => `process ${pid}`),
    ...Object.values(isolations).flatMap(({ mark }) =>
      processesOf(mark.program, mark.argument).map((pid) => `process ${mark.program} ${pid}`),
    ),
    ...lines("/proc/self/mountinfo").map((line) => `mount ${line.split(" ").slice(3, 5).join(" on ")}`),
    ...FOLDERS.flatMap((folder) => below(folder, () => true)),
    ...entries("/tmp").map(({ name }) => `file /tmp/${name}`),
    ...below(CGROUPS, (name) => name.startsWith("cell_")),
  ];
}

/** Puts empty folders of this run's own over the shared ones. Call it in a mount namespace of its own, before anything is started. */
export function shareNothing(): void {
  for (const folder of SHARED) execFileSync("mount", ["-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder]);
}

/** Those of `after` that were not there before. */
export function newThings(before: readonly string[], after: readonly string[]): string[] {
  const known = new Set(before);
  return after.filter((thing) => !known.has(thing));
}

function below(folder: string, counts: (name: string) => boolean): string[] {
  return entries(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    const own = counts(entry.name) ? [`${entry.isDirectory() ? "folder" : "file"} ${path}`] : [];
    return entry.isDirectory() ? [...own, ...below(path, counts)] : own;
  });
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // it went meanwhile, or is not there on this machine
  }
}

function lines(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}
