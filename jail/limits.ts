/** What a cell may use, as resource limits (setrlimit(2)) and sizes. They hold on every host; cgroup.ts adds what only cgroups can. */
import type { Resources } from "../kernel/abi/messages.ts";

const MIB = 1024 * 1024;

/** The address space a process needs before it has used any of its memory: the interpreter and its libraries. */
const ADDRESS_SPACE_MIB_EXTRA = 64;

/** Files in /work, so that a cell cannot use up inodes where it may not use up space. */
export const WORK_FILES_MAX = 4096;

/** Limits by their nspawn name (systemd-nspawn(1) `--rlimit=`), soft and hard alike. Bytes, but NPROC and NOFILE count. */
export function rlimits(resources: Resources): Record<string, number> {
  return {
    AS: (resources.memory_mib + ADDRESS_SPACE_MIB_EXTRA) * MIB,
    CORE: 0,
    FSIZE: resources.work_mib * MIB,
    MEMLOCK: 0,
    MSGQUEUE: 0,
    NOFILE: resources.files,
    // Of this cell's own users: each cell has a user namespace, and the kernel counts by namespace and user.
    NPROC: resources.processes,
    SIGPENDING: resources.processes,
    STACK: 8 * MIB,
  };
}

/** The size of /work in bytes. */
export function workBytes(resources: Resources): number {
  return resources.work_mib * MIB;
}
