/**
 * How each guard of a cell is taken out of the cell's command: data. Tests only. What each stops is in rows.ts, which part of a command is
 * which guard in parts.ts.
 *
 * `sentry` is no isolation: there the attacks run in runsc's place, as an agent that has taken over all of gVisor.
 */
import type { Command } from "../../jail/isolation.ts";
import type { IsolationName } from "./verdict.ts";

export type Place = IsolationName | "sentry";
export type Guard = { takeOut(command: Command): Command };

/** Name of the guard that is the cell's own syscall filter: the program that runs the attacks puts it in force, or not. */
export const FILTER = "narrow.py";

const MANY = 65_536;

const withArgv = (edit: (argv: readonly string[]) => string[]): Guard => ({
  takeOut: (command) => ({ ...command, argv: edit(command.argv) }),
});
const without = (...starts: string[]) =>
  withArgv((argv) => argv.filter((one) => !starts.some((start) => one.startsWith(start))));
const withoutEnd = (end: string) => withArgv((argv) => argv.filter((one) => !one.endsWith(end)));
const replaced = (from: string | RegExp, to: string) => withArgv((argv) => argv.map((one) => one.replace(from, to)));
const withEnvironment = (environment: Record<string, string>): Guard => ({
  takeOut: (command) => ({ ...command, environment: { ...command.environment, ...environment } }),
});
/** One option of the folder that may be written. */
const ofWork = (from: string | RegExp, to = "") =>
  withArgv((argv) => argv.map((one) => (one.startsWith("--tmpfs=/work:") ? one.replace(from, to) : one)));

type Mount = { destination: string; type: string; options: string[] };
type Config = {
  root: { readonly: boolean };
  process: {
    user: { uid: number; gid: number };
    capabilities: Record<string, string[]>;
    rlimits: { type: string; soft: number; hard: number }[];
  };
  mounts: Mount[];
  linux: { namespaces: { type: string }[] };
};
const withConfig = (edit: (config: Config) => void): Guard => ({
  takeOut(command) {
    const config = JSON.parse(command.given ?? "") as Config;
    edit(config);
    return { ...command, given: JSON.stringify(config) };
  },
});
const limited = (name: string, value: number) =>
  withConfig(({ process }) => {
    for (const limit of process.rlimits)
      if (limit.type === `RLIMIT_${name}`) Object.assign(limit, { soft: value, hard: value });
  });
const unlimited = (name: string) =>
  withConfig(({ process }) => {
    process.rlimits = process.rlimits.filter(({ type }) => type !== `RLIMIT_${name}`);
  });
const unmounted = (path: string) =>
  withConfig((config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== path);
  });
const ofMounts = (isMeant: (mount: Mount) => boolean, edit: (options: string[]) => string[]) =>
  withConfig(({ mounts }) => {
    for (const mount of mounts) if (isMeant(mount)) mount.options = edit(mount.options);
  });
const ofWorkMount = (start: string) =>
  ofMounts(
    ({ destination }) => destination === "/work",
    (options) => options.filter((one) => !one.startsWith(start)),
  );
const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "MKNOD", "SETGID", "SETUID", "SYS_ADMIN", "SYS_CHROOT"];
const isFolder = ({ type, destination }: Mount) => type === "bind" && destination !== "/tmp";

/** Without one link of the chain, from its program to the `--` that ends it. */
const unlinked = (program: string) =>
  withArgv((argv) => {
    const from = argv.lastIndexOf(program);
    return argv.toSpliced(from, argv.indexOf("--", from) - from + 1);
  });

export const guards: Readonly<Record<Place, Readonly<Record<string, Guard>>>> = {
  nspawn: {
    [FILTER]: replaced(/^filter$/, "no-filter"),
    "nspawn's filter": withEnvironment({ SYSTEMD_SECCOMP: "0" }),
    "refused calls": without("--system-call-filter="),
    user: without("--user="),
    "users of the slot": replaced(/^--private-users=.*/, "--private-users=no"),
    capabilities: replaced("--drop-capability=all", "--capability=all"),
    "no new privileges": replaced("--no-new-privileges=yes", "--no-new-privileges=no"),
    network: without("--private-network"),
    "read-only root": without("--read-only"),
    "read-only folders": withArgv((argv) =>
      argv.map((one) => (one.includes("/proc/self/root") ? one : one.replace("--bind-ro=", "--bind="))),
    ),
    "read-only /tmp": withEnvironment({ SYSTEMD_NSPAWN_TMPFS_TMP: "1" }),
    "cover of /dev/shm": without("--tmpfs=/dev/shm"),
    "cover of /tmp": without("--tmpfs=/tmp"),
    "covers of /proc": withArgv((argv) => argv.filter((one) => !one.includes(":/proc/self/root/proc/"))),
    "cover of /sys": withoutEnd(":/proc/self/root/sys"),
    "cover of /run/host": withoutEnd(":/proc/self/root/run/host"),
    "size of /work": ofWork(/,size=\d+/),
    "files in /work": ofWork(/nr_inodes=\d+/, "nr_inodes=0"),
    nosuid: ofWork(",nosuid", ",suid"),
    nodev: ofWork(",nodev", ",dev"),
    noexec: ofWork(",noexec"),
    "limit of memory": without("--rlimit=AS"),
    "limit of core dumps": without("--rlimit=CORE"),
    "size of a file": without("--rlimit=FSIZE"),
    "limit of locked memory": without("--rlimit=MEMLOCK"),
    "limit of queues": without("--rlimit=MSGQUEUE"),
    "limit of descriptors": replaced(/^--rlimit=NOFILE=.*/, `--rlimit=NOFILE=${MANY}`),
    "limit of processes": replaced(/^--rlimit=NPROC=.*/, `--rlimit=NPROC=${MANY}`),
    "limit of signals": replaced(/^--rlimit=SIGPENDING=.*/, `--rlimit=SIGPENDING=${MANY}`),
    "limit of the stack": without("--rlimit=STACK"),
  },
  gvisor: {
    [FILTER]: {
      takeOut: (command) => ({ ...command, given: (command.given ?? "").replace('"filter"', '"no-filter"') }),
    },
    user: withConfig(({ process }) => {
      process.user = { uid: 0, gid: 0 };
    }),
    capabilities: withConfig(({ process }) => {
      for (const set of ["bounding", "effective", "permitted"])
        process.capabilities[set] = CAPABILITIES.map((name) => `CAP_${name}`);
    }),
    "the sentry's network": replaced("--network=none", "--network=host"),
    "network of the sandbox": withConfig(({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "network");
    }),
    "network of the chain": withArgv((argv) => argv.filter((one) => one !== "--net")),
    "read-only root": withConfig(({ root }) => {
      root.readonly = false;
    }),
    "read-only folders": ofMounts(isFolder, (options) => options.map((one) => (one === "ro" ? "rw" : one))),
    "read-only folders of the chain": withArgv((argv) => argv.map((one) => (one === "--ro-bind" ? "--bind" : one))),
    "users of the slot": unlinked("/unshare"),
    "read-only /tmp": unmounted("/tmp"),
    "size of /work": ofWorkMount("size="),
    noexec: ofWorkMount("noexec"),
    "limit of memory": unlimited("AS"),
    "limit of core dumps": unlimited("CORE"),
    "size of a file": unlimited("FSIZE"),
    "limit of locked memory": unlimited("MEMLOCK"),
    "limit of descriptors": limited("NOFILE", MANY),
    "limit of processes": limited("NPROC", MANY),
    "limit of the stack": unlimited("STACK"),
  },
  sentry: {
    "users of the slot": unlinked("/unshare"),
    "processes of the chain": withArgv((argv) => argv.filter((one) => one !== "--pid")),
    "network of the chain": withArgv((argv) => argv.filter((one) => one !== "--net")),
    "ipc of the chain": withArgv((argv) => argv.filter((one) => one !== "--ipc")),
    "names of the chain": withArgv((argv) => argv.filter((one) => one !== "--uts")),
    "files of the chain": withArgv((argv) => argv.toSpliced(argv.indexOf("--dir"), 2, "--bind", "/tmp", "/tmp")),
    "read-only folders of the chain": withArgv((argv) => argv.map((one) => (one === "--ro-bind" ? "--bind" : one))),
  },
};
