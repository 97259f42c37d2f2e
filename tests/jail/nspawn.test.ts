import { describe, expect, test } from "vitest";
import { places } from "../../jail/inside.ts";
import type { Start } from "../../jail/messages.ts";
import { nspawn } from "../../jail/nspawn.ts";
import { resources, startRequest } from "./jailer.ts";

const digest = "5".repeat(64);
const at = { ...places, proc: { files: ["cpuinfo", "kmsg", "version"], folders: ["sys"] } };
const argv = (over: Partial<Start> = {}) =>
  nspawn.command(startRequest(digest, { slot: 2, cell: "cell_00000000000000zz", isolation: "nspawn", ...over }), at)
    .argv;

describe("the argument list of a cell", () => {
  test("is exactly this", () => {
    expect(argv()).toEqual([
      "/usr/bin/systemd-nspawn",
      "--quiet",
      "--settings=no",
      "--register=no",
      "--keep-unit",
      "--console=pipe",
      "--directory=/usr/lib/silo/cell",
      "--machine=cell-00000000000000zz",
      "--hostname=cell",
      "--link-journal=no",
      "--resolv-conf=off",
      "--timezone=off",
      "--as-pid2",
      "--user=agent",
      "--chdir=/work",
      "--private-network",
      "--read-only",
      "--private-users=655360:65536",
      "--private-users-ownership=off",
      "--drop-capability=all",
      "--no-new-privileges=yes",
      [
        "--system-call-filter=~unshare setns mount umount2 pivot_root chroot memfd_create io_setup landlock_create_ruleset kcmp personality",
        "mbind set_mempolicy get_mempolicy sysinfo bind listen shmget semget msgget mq_open timer_create inotify_init inotify_init1",
      ].join(" "),
      `--rlimit=AS=${192 * 1024 * 1024}`,
      "--rlimit=CORE=0",
      `--rlimit=FSIZE=${16 * 1024 * 1024}`,
      "--rlimit=MEMLOCK=0",
      "--rlimit=MSGQUEUE=0",
      "--rlimit=NOFILE=128",
      "--rlimit=NPROC=32",
      "--rlimit=SIGPENDING=32",
      `--rlimit=STACK=${8 * 1024 * 1024}`,
      "--bind-ro=/opt/silo/jail/cell:/usr/lib/silo/cell",
      "--bind-ro=/opt/silo/agents/sdk:/usr/lib/silo/sdk",
      `--bind-ro=/var/silo/bundles/${digest}:/bundle`,
      "--bind-ro=/run/silo/cells/2:/run/silo",
      `--tmpfs=/work:mode=0777,size=${16 * 1024 * 1024},nr_inodes=4096,nosuid,nodev,noexec`,
      "--tmpfs=/dev/shm:mode=0000,size=4k,nr_inodes=1,ro,nosuid,nodev,noexec",
      "--tmpfs=/tmp:mode=0000,size=4k,nr_inodes=1,ro,nosuid,nodev,noexec",
      "--bind-ro=/dev/null:/proc/self/root/proc/cpuinfo",
      "--bind-ro=/dev/null:/proc/self/root/proc/version",
      "--bind-ro=/home:/proc/self/root/proc/sys",
      "--bind-ro=/home:/proc/self/root/sys",
      "--bind-ro=/home:/proc/self/root/run/host",
      "--setenv=HOME=/work",
      "--setenv=LANG=C.UTF-8",
      "--setenv=PYTHONDONTWRITEBYTECODE=1",
      "--setenv=PYTHONHASHSEED=0",
      "--setenv=TMPDIR=/work",
      "--setenv=TZ=UTC",
      "--",
      "/usr/bin/python3",
      "-S",
      "-P",
      "/usr/lib/silo/cell/run.py",
      "nspawn",
    ]);
  });

  test("shares no user between slots", () => {
    const users = Array.from({ length: 100 }, (_, slot) =>
      argv({ slot }).find((one) => one.startsWith("--private-users=")),
    );
    expect(new Set(users).size).toBe(100);
    expect(users[99]).toBe(`--private-users=${524_288 + 99 * 65_536}:65536`);
  });

  test("takes its limits from the request alone", () => {
    const small = argv({ resources: { ...resources, memory_mib: 32, work_mib: 1, processes: 1, files: 16 } });
    expect(small).toEqual(
      expect.arrayContaining([
        `--rlimit=AS=${96 * 1024 * 1024}`,
        `--rlimit=FSIZE=${1024 * 1024}`,
        "--rlimit=NPROC=1",
        "--rlimit=NOFILE=16",
        `--tmpfs=/work:mode=0777,size=${1024 * 1024},nr_inodes=4096,nosuid,nodev,noexec`,
      ]),
    );
  });
});
