/**
 * Every part of a cell's command, and which guard it is: data, with what it is for where no attack shows it. Tests only.
 *
 * A part is an option of a program of the command with its arguments, a variable of its environment, or a leaf of gVisor's configuration.
 */
import type { Command } from "../../jail/isolation.ts";
import { FILTER, type Place } from "./guards.ts";
import type { IsolationName } from "./verdict.ts";

/** `guard`: its name in guards.ts; `at`: where it is one, if not in the isolation itself. Else why it is none that an attack could show. */
export type Part = { starts: string; guard: string; at?: Place } | { starts: string; why: string };

const of = (guard: string, ...starts: string[]): Part[] => starts.map((one) => ({ starts: one, guard }));
const round = (guard: string, ...starts: string[]): Part[] =>
  starts.map((one) => ({ starts: one, guard, at: "sentry" as const }));
const none = (why: string, ...starts: string[]): Part[] => starts.map((one) => ({ starts: one, why }));

const AGREE = "Makes re-runs agree.";
const UNREAD = "The sentry has bounds of its own and does not read it; said in both isolations alike.";

export const parts: Readonly<Record<IsolationName, readonly Part[]>> = {
  nspawn: [
    ...of(FILTER, "/usr/bin/python3 -S -P /usr/lib/silo/cell/run.py"),
    ...none("What the command itself is, and says.", "PATH=", "--quiet", "--directory=", "--machine=", "--hostname="),
    ...none("Nothing on the host speaks for a cell, or knows of it.", "--settings=no", "--register=no", "--keep-unit"),
    ...none(
      "Nothing of the host is copied or linked into the tree, or out of it.",
      "--link-journal=no",
      "--resolv-conf=off",
      "--timezone=off",
    ),
    ...none("No terminal is made; the streams are the jailer's, /dev/null.", "--console=pipe"),
    ...none("Somebody waits for orphans.", "--as-pid2"),
    ...none("Where the agent begins.", "--chdir=/work", "/work mode=", "--setenv=HOME=", "--setenv=TMPDIR="),
    ...none(AGREE, "--setenv=LANG=", "--setenv=PYTHONDONTWRITEBYTECODE=", "--setenv=PYTHONHASHSEED=", "--setenv=TZ="),
    ...none(
      "The tree keeps its owner, nobody in a cell; another owner needs a copy of it.",
      "--private-users-ownership=off",
    ),
    ...of("user", "--user="),
    ...of("network", "--private-network"),
    ...of("read-only root", "--read-only"),
    ...of("users of the slot", "--private-users="),
    ...of("capabilities", "--drop-capability=all"),
    ...of("no new privileges", "--no-new-privileges=yes"),
    ...of("refused calls", "--system-call-filter="),
    ...of("limit of memory", "--rlimit=AS="),
    ...of("limit of core dumps", "--rlimit=CORE="),
    ...of("size of a file", "--rlimit=FSIZE="),
    ...of("limit of locked memory", "--rlimit=MEMLOCK="),
    ...of("limit of queues", "--rlimit=MSGQUEUE="),
    ...of("limit of descriptors", "--rlimit=NOFILE="),
    ...of("limit of processes", "--rlimit=NPROC="),
    ...of("limit of signals", "--rlimit=SIGPENDING="),
    ...of("limit of the stack", "--rlimit=STACK="),
    ...of(
      "read-only folders",
      "bind-ro /usr/lib/silo/cell",
      "bind-ro /usr/lib/silo/sdk",
      "bind-ro /bundle",
      "bind-ro /run/silo",
    ),
    ...of("size of /work", "/work size="),
    ...of("files in /work", "/work nr_inodes="),
    ...of("nosuid", "/work nosuid"),
    ...of("nodev", "/work nodev"),
    ...of("noexec", "/work noexec"),
    ...of("cover of /dev/shm", "/dev/shm "),
    ...of("cover of /tmp", "/tmp "),
    ...of("covers of /proc", "bind-ro /proc/self/root/proc/"),
    ...of("cover of /sys", "bind-ro /proc/self/root/sys"),
    ...of("cover of /run/host", "bind-ro /proc/self/root/run/host"),
    ...of("read-only /tmp", "SYSTEMD_NSPAWN_TMPFS_TMP="),
  ],
  gvisor: [
    ...of(FILTER, "process.args"),
    ...none(
      "What the command itself is.",
      "PATH=",
      "ociVersion",
      "hostname",
      "root.path",
      "process.cwd",
      "runsc run",
      "runsc --bundle=",
    ),
    ...none(
      "All of it ends with the jailer: tests/jail/cells.test.ts.",
      "setpriv --pdeathsig=KILL",
      "unshare --fork",
      "unshare --kill-child=",
      "bwrap --die-with-parent",
    ),
    ...none("bubblewrap and runsc mount in one of their own.", "unshare --mount"),
    ...none("Hides the path of a control group, which says nothing of a cell.", "unshare --cgroup"),
    ...round("processes of the chain", "unshare --pid", "unshare --mount-proc"),
    ...round("network of the chain", "unshare --net"),
    ...round("ipc of the chain", "unshare --ipc"),
    ...round("names of the chain", "unshare --uts"),
    ...none("For the next link, which takes them away from everybody.", "bwrap --cap-add ALL"),
    ...round(
      "files of the chain",
      "bwrap --tmpfs /",
      "bwrap --dir /tmp",
      "bwrap --bind /proc /proc",
      "bwrap --dev /dev",
    ),
    ...none("The state of runsc, in a memory of its own.", "bwrap --perms 1777", "bwrap --tmpfs /state"),
    ...none("The configuration, on no disk.", "bwrap --perms 0444", "bwrap --ro-bind-data"),
    ...none("Names of folders.", "bwrap --symlink"),
    ...round("read-only folders of the chain", "bwrap --ro-bind "),
    ...round(
      "users of the slot",
      "unshare --user",
      "unshare --map-users=",
      "unshare --map-groups=",
      "unshare --setuid=0",
      "unshare --setgid=0",
    ),
    ...none("Named, as runsc would take another where it finds one.", "runsc --platform=systrap", "runsc --root="),
    ...of("the sentry's network", "runsc --network=none"),
    ...none("Opens the one way out there is; the folders hold one socket.", "runsc --host-uds=open"),
    ...none("What a taken-over sentry may open; its own filter is taken out by no option.", "runsc --directfs=false"),
    ...none("Nothing is kept for a next cell.", "runsc --overlay2=none"),
    ...none("The jailer keeps the groups.", "runsc --ignore-cgroups"),
    ...of("read-only root", "root.readonly"),
    ...of("user", "process.user.uid", "process.user.gid"),
    ...none("No attack shows it: the sentry gives no program another user.", "process.noNewPrivileges", "/work nosuid"),
    ...none("The sentry does not look at it: devices are its own.", "/work nodev"),
    ...of("capabilities", "process.capabilities"),
    ...of("limit of memory", "limit AS"),
    ...of("limit of core dumps", "limit CORE"),
    ...of("size of a file", "limit FSIZE"),
    ...of("limit of locked memory", "limit MEMLOCK"),
    ...none(UNREAD, "limit MSGQUEUE", "limit SIGPENDING", "/work nr_inodes="),
    ...of("limit of descriptors", "limit NOFILE"),
    ...of("limit of processes", "limit NPROC"),
    ...of("limit of the stack", "limit STACK"),
    ...none(AGREE, "process.env LANG=", "process.env PYTHON", "process.env TZ="),
    ...none("Where the agent begins.", "process.env HOME=", "process.env TMPDIR=", "/work mode="),
    ...none("The sentry makes it up, and takes no setting of an agent.", "/proc ro", "/sys "),
    ...of("read-only folders", "/usr/lib/silo/cell ", "/usr/lib/silo/sdk ", "/bundle ", "/run/silo "),
    ...of("read-only /tmp", "/tmp "),
    ...none("Devices of the sentry's own, which reach nothing of the host.", "/dev/net ", "/dev/fuse "),
    ...of("size of /work", "/work size="),
    ...of("noexec", "/work noexec"),
    ...of("network of the sandbox", "namespace network"),
    ...none(
      "The sentry has its own of each, whatever is asked.",
      "namespace pid",
      "namespace ipc",
      "namespace uts",
      "namespace mount",
    ),
  ],
};

/** The parts of a command. */
export function partsOf({ argv, environment, given }: Command): string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [...variables, ...(given === null ? partsOfNspawn(argv) : [...partsOfChain(argv), ...leavesOf(given)])];
}

function partsOfNspawn(argv: readonly string[]): string[] {
  const last = argv.indexOf("--");
  const options = argv.slice(1, last).flatMap((one) => {
    const [, path, mounted] = /^--tmpfs=([^:]+):(.*)$/.exec(one) ?? [];
    if (path !== undefined) return (mounted ?? "").split(",").map((option) => `${path} ${option}`);
    return one.replace(/^--bind-ro=[^:]+:/, "bind-ro ");
  });
  return [...options, argv.slice(last + 1).join(" ")];
}

/** Links of `PROGRAM OPTION…`; what does not begin with dashes belongs to the option before it. */
function partsOfChain(argv: readonly string[]): string[] {
  const links = argv.join("\n").split("\n--\n");
  return links.flatMap((link) => {
    const [path = "", ...rest] = link.split("\n");
    const program = path.split("/").at(-1);
    const options = rest.join(" ").split(/ (?=--|run )/);
    return options.map((option) => `${program} ${option}`);
  });
}

type Config = {
  process: { rlimits: { type: string }[]; env: string[]; args: string[] };
  mounts: { destination: string; options: string[] }[];
  linux: { namespaces: { type: string }[] };
};

function leavesOf(given: string): string[] {
  const { process, mounts, linux, ...rest } = JSON.parse(given) as Config & Record<string, unknown>;
  const { rlimits, env, args, ...plain } = process;
  return [
    ...leaves("", rest),
    ...leaves("process.", plain),
    `process.args ${args.join(" ")}`,
    ...rlimits.map(({ type }) => `limit ${type.replace("RLIMIT_", "")}`),
    ...env.map((one) => `process.env ${one}`),
    ...mounts.flatMap(({ destination, options }) => options.map((one) => `${destination} ${one}`)),
    ...linux.namespaces.map(({ type }) => `namespace ${type}`),
  ];
}

function leaves(before: string, value: object): string[] {
  return Object.entries(value).flatMap(([name, one]) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? leaves(`${before}${name}.`, one)
      : [`${before}${name}=${JSON.stringify(one)}`],
  );
}
