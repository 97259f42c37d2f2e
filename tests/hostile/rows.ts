/**
 * Which guards stop which attack: data.
 *
 * A row holds what stops one attack. Taking all of a row out lets the attack through (so the row is whole), each alone stops it, and
 * with one taken out the others do; where a row has one guard, that guard is a single point, and SECURITY.md names it. One attack has
 * two rows of one guard where it needs both.
 */
import { FILTER, type Place } from "./guards.ts";

export type Row = { attack: string; guards: readonly string[] };

/** Attack (and where, if there alone) -> what of host.ts says whether it got through, where the sender cannot know. */
export const reaches: Readonly<Record<string, string>> = {
  udp_host: "the UDP canary",
  dns_host: "the DNS canary",
  dns_stub: "the DNS canary",
  canary_process: "the canary's process",
  "sentry host_name": "the host's name",
};

/** Attacks that take seconds: `--quick` is without them where no row has them. */
export const SLOW = [
  "signal_others",
  "big_file",
  "reserved_file",
  "pipe_memory",
  "socket_memory",
  "fork_bomb",
  "threads",
];

/** Attacks that would be felt by the machine the tests are on without this guard. What stands for them is in a row. */
export const felt: Readonly<Record<string, readonly string[]>> = {
  "limit of processes": ["fork_bomb", "threads"],
  "limit of descriptors": ["pipe_memory", "socket_memory"],
};

const each = (attacks: string, ...guards: string[]): Row[] => attacks.split(" ").map((attack) => ({ attack, guards }));

export const rows: Readonly<Record<Place, readonly Row[]>> = {
  nspawn: [
    ...each("tcp_host udp_host dns_host", FILTER, "network"),
    ...each("abstract_socket", "network"),
    ...each("keyring_join", FILTER, "nspawn's filter"),
    ...each(
      "user_namespace memory_file asynchronous_io landlock compare_processes personality",
      FILTER,
      "refused calls",
    ),
    ...each("machine_size memory_policy listen listen_abstract", FILTER, "refused calls"),
    ...each("shared_memory semaphores messages timers watches", FILTER, "refused calls"),
    ...each("clone_namespace clone_namespace_anew netlink raw_socket_call raw_old_call", FILTER),
    ...each("host_name", FILTER, "user", "capabilities"),
    ...each("mount_tmpfs", FILTER, "refused calls", "user", "capabilities"),
    ...each("kernel_log", FILTER, "user", "users of the slot", "capabilities"),
    ...each("open_device", FILTER, "user", "users of the slot", "capabilities", "nodev"),
    ...each("setuid_copy", FILTER, "user", "capabilities", "no new privileges", "nosuid", "noexec"),
    ...each("bounding_set", "capabilities"),
    ...each("write_root write_passwd write_var_tmp", "read-only root", "user", "users of the slot"),
    ...each("write_bundle write_runner write_sdk", "read-only folders", "user", "users of the slot"),
    ...each("write_tmp", "cover of /tmp", "read-only /tmp"),
    ...each("write_tmp", "cover of /tmp", "read-only root", "user", "users of the slot"),
    ...each("write_shm", "cover of /dev/shm"),
    ...each("devices", "user"),
    ...each("host_config", "covers of /proc"),
    ...each("host_disks", "cover of /sys"),
    ...each("run_host", "cover of /run/host"),
    ...each("own_program own_program_by_loader own_script", "noexec"),
    ...each("many_big_files", "size of /work"),
    ...each("many_files", "files in /work"),
    ...each("big_hole", "size of a file"),
    ...each("memory little_by_little more_memory", "limit of memory"),
    ...each("core_limit", "limit of core dumps"),
    ...each("descriptors", "limit of descriptors"),
    ...each("many_processes", "limit of processes"),
    ...each("more_stack", "limit of the stack"),
    ...each("locked_memory", FILTER, "nspawn's filter", "limit of locked memory"),
    ...each("message_queue", FILTER, "refused calls", "limit of queues"),
    ...each("queued_signals", FILTER, "limit of signals"),
  ],
  gvisor: [
    ...each("tcp_host", FILTER, "the sentry's network", "network of the sandbox", "network of the chain"),
    ...each("user_namespace clone_namespace clone_namespace_anew raw_namespace_call", FILTER),
    ...each("memory_file own_library asynchronous_io keyring_join kernel_log machine_size memory_policy", FILTER),
    ...each("host_disk memory_device", FILTER),
    ...each("icmp netlink raw_socket_call listen listen_abstract", FILTER),
    ...each("message_queue shared_memory semaphores messages timers watches", FILTER),
    ...each("locked_memory", FILTER, "limit of locked memory"),
    ...each("host_name mount_tmpfs", FILTER, "user", "capabilities"),
    ...each("bounding_set", "capabilities"),
    ...each(
      "write_root write_var_tmp",
      "read-only root",
      "read-only folders of the chain",
      "user",
      "users of the slot",
    ),
    ...each("write_bundle", "read-only folders", "read-only folders of the chain", "user", "users of the slot"),
    ...each("write_shm", "user"),
    ...each(
      "write_tmp",
      "read-only /tmp",
      "read-only root",
      "read-only folders of the chain",
      "user",
      "users of the slot",
    ),
    ...each("own_program own_program_by_loader own_script", "noexec"),
    ...each("many_big_files", "size of /work"),
    ...each("big_hole", "size of a file"),
    ...each("memory little_by_little more_memory", "limit of memory"),
    ...each("core_limit", "limit of core dumps"),
    ...each("descriptors", "limit of descriptors"),
    ...each("many_processes", "limit of processes"),
    ...each("more_stack", "limit of the stack"),
  ],
  sentry: [
    ...each("closed_file", "files of the chain", "users of the slot"),
    ...each("canary_file", "files of the chain"),
    ...each("canary_process", "processes of the chain", "users of the slot"),
    ...each("tcp_host udp_host dns_host abstract_socket", "network of the chain"),
    ...each("shared_memory_of_host", "ipc of the chain"),
    ...each("host_name", "names of the chain", "users of the slot"),
    ...each("own_mount", "users of the slot"),
    ...each("write_bundle", "read-only folders of the chain", "users of the slot"),
  ],
};

/** Attacks that one guard alone stops: SECURITY.md's single points of cells are these. */
export function singlePoints(place: Place): { guard: string; attack: string }[] {
  return rows[place].flatMap(({ attack, guards: [guard = "", ...others] }) =>
    others.length === 0 ? [{ guard, attack }] : [],
  );
}
