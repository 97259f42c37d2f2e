/**
 * The syscall filter of every process in the trial: a deny list as data, compiled to the program setpriv(1) loads.
 *
 * Threat: code that runs in a taken-over process reaches parts of the Linux kernel the process never needs.
 * Contract: a denied call fails with EPERM; calls of a foreign architecture or of the x32 table end the process. Inherited by
 * everything the process starts, and never taken off.
 * Failure: a name this machine's table lacks denies nothing, as the call does not exist there.
 */
import type { ServiceName } from "./processes.ts";

export type Row = {
  deny: string;
  reason: string;
  /** Processes that need the call. */
  except?: readonly ServiceName[];
  /** Denied only where the first argument, an int, has this value. */
  argument?: number;
};

const KEYCTL_GET_PERSISTENT = 22;

const rows = (reason: string, names: string, except: readonly ServiceName[] = []): Row[] =>
  names.split(" ").map((deny) => ({ deny, reason, except }));

export const deniedCalls: readonly Row[] = [
  ...rows("reads or steers another process", "process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd"),
  // The sentry of a gVisor cell steers the processes it made, by nothing else.
  ...rows("steers another process", "ptrace", ["jailer"]),
  ...rows("changes what is mounted", "mount umount2 pivot_root chroot mount_setattr move_mount open_tree", ["jailer"]),
  ...rows("mounts by the newer calls", "fsopen fsconfig fsmount fspick", ["jailer"]),
  ...rows("makes or enters namespaces", "unshare setns", ["jailer"]),
  ...rows("opens a file round the permissions of its path", "open_by_handle_at name_to_handle_at", ["jailer"]),
  ...rows("loads programs into the Linux kernel", "bpf", ["jailer"]),
  ...rows("loads code into the Linux kernel", "init_module finit_module delete_module kexec_load kexec_file_load"),
  ...rows("large attack surface that Node does without", "io_uring_setup io_uring_enter io_uring_register userfaultfd"),
  ...rows("watches the machine", "perf_event_open fanotify_init syslog lookup_dcookie acct"),
  ...rows("changes the machine", "reboot swapon swapoff quotactl quotactl_fd iopl ioperm modify_ldt uselib"),
  ...rows(
    "changes the clock that limits, keys and the log rely on",
    "settimeofday clock_settime clock_adjtime adjtimex",
  ),
  ...rows("reaches keys; signing keys and the master key lie there", "add_key request_key keyctl", [
    "kernel",
    "vault",
    "jailer",
  ]),
  {
    deny: "keyctl",
    argument: KEYCTL_GET_PERSISTENT,
    reason: "that keyring is one for all appliances of a machine and would mix their keys",
  },
];

/** System call numbers of this machine by name, as `enosys --list` prints them. */
export function parseCallTable(text: string): Map<string, number> {
  const lines = [...text.matchAll(/^\s*(\d+)\s+(\S+)$/gm)];
  return new Map(lines.map(([, number, name]) => [name as string, Number(number)]));
}

// seccomp(2), linux/audit.h, linux/bpf_common.h
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const RETURN_ALLOW = 0x7fff0000;
const RETURN_KILL = 0x80000000;
const RETURN_EPERM = 0x00050001;
const X32_BIT = 0x40000000;
const [LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN] = [0x20, 0x15, 0x35, 0x06];
const [OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENT] = [0, 4, 16];

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

/** The filter of `name` as sock_filter structs: 8 bytes an instruction, little-endian. */
export function compileFilter(
  name: ServiceName,
  table: ReadonlyMap<string, number>,
  arch: keyof typeof AUDIT_ARCH,
  denied = deniedCalls,
): Buffer {
  const program: Instruction[] = [
    [LOAD, 0, 0, OFFSET_ARCH],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[arch]],
    [RETURN, 0, 0, RETURN_KILL],
    [LOAD, 0, 0, OFFSET_NUMBER],
    ...(arch === "x64" ? x32Ends : []),
    ...denied.flatMap((row) => denial(row, name, table)),
    [RETURN, 0, 0, RETURN_ALLOW],
  ];
  return Buffer.concat(program.map(encode));
}

const x32Ends: Instruction[] = [
  [JUMP_AT_LEAST, 0, 1, X32_BIT],
  [RETURN, 0, 0, RETURN_KILL],
];

function denial(row: Row, name: ServiceName, table: ReadonlyMap<string, number>): Instruction[] {
  const number = table.get(row.deny);
  if (number === undefined || row.except?.includes(name)) return [];
  if (row.argument === undefined) return [[JUMP_EQUAL, 0, 1, number], eperm];
  return [
    [JUMP_EQUAL, 0, 4, number],
    [LOAD, 0, 0, OFFSET_ARGUMENT],
    [JUMP_EQUAL, 0, 1, row.argument],
    eperm,
    [LOAD, 0, 0, OFFSET_NUMBER],
  ];
}

const eperm: Instruction = [RETURN, 0, 0, RETURN_EPERM];

function encode([code, whenTrue, whenFalse, operand]: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}
