import { describe, expect, test } from "vitest";
import { gvisor } from "../../jail/gvisor.ts";
import type { Start } from "../../jail/messages.ts";
import { resources, startRequest } from "./jailer.ts";

const digest = "5".repeat(64);
const command = (over: Partial<Start> = {}) =>
  gvisor.command(startRequest(digest, { slot: 2, cell: "cell_00000000000000zz", isolation: "gvisor", ...over }));
const config = (over: Partial<Start> = {}) => JSON.parse(command(over).given ?? "") as Record<string, unknown>;

describe("the command of a cell", () => {
  test("is exactly this chain: what it may not reach is taken away before runsc begins", () => {
    expect(command().argv.join(" ").split(" -- ")).toEqual([
      "/usr/bin/setpriv --pdeathsig=KILL",
      "/usr/bin/unshare --mount --mount-proc --pid --fork --kill-child=SIGKILL --net --ipc --uts --cgroup",
      [
        "/usr/bin/bwrap --die-with-parent --cap-add ALL --tmpfs / --bind /proc /proc --dev /dev --dir /tmp",
        "--ro-bind /usr/bin/runsc /runsc --ro-bind /usr/bin/unshare /unshare",
        "--ro-bind /usr/lib/silo/cell/usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64",
        "--ro-bind /usr/lib/silo/cell /cell",
        "--ro-bind /opt/silo/jail/cell /usr-lib-silo-cell --ro-bind /opt/silo/agents/sdk /usr-lib-silo-sdk",
        `--ro-bind /var/silo/bundles/${digest} /bundle --ro-bind /run/silo/cells/2 /run-silo`,
        "--perms 0444 --ro-bind-data 3 /oci/config.json --perms 1777 --tmpfs /state",
      ].join(" "),
      "/unshare --user --map-users=0:655360:65536 --map-groups=0:655360:65536 --setuid=0 --setgid=0",
      [
        "/runsc --root=/state --platform=systrap --network=none --host-uds=open --directfs=false --overlay2=none",
        "--ignore-cgroups run --bundle=/oci cell_00000000000000zz",
      ].join(" "),
    ]);
  });

  test("shares no user between slots", () => {
    const users = Array.from({ length: 100 }, (_, slot) =>
      command({ slot }).argv.find((one) => one.startsWith("--map-users=")),
    );
    expect(new Set(users).size).toBe(100);
    expect(users[99]).toBe(`--map-users=0:${524_288 + 99 * 65_536}:65536`);
  });
});

describe("the configuration of a cell", () => {
  test("is exactly this", () => {
    const limit = (name: string, value: number) => ({ type: `RLIMIT_${name}`, soft: value, hard: value });
    const folder = (source: string, destination: string) => ({
      destination,
      type: "bind",
      source,
      options: ["bind", "ro", "nosuid", "nodev"],
    });
    const locked = ["nosuid", "nodev", "noexec"];
    expect(config()).toEqual({
      ociVersion: "1.2.0",
      hostname: "cell",
      root: { path: "/cell", readonly: true },
      process: {
        user: { uid: 1000, gid: 1000 },
        args: ["/usr/bin/python3", "-S", "-P", "/usr/lib/silo/cell/run.py", "gvisor"],
        env: ["HOME=/work", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "TMPDIR=/work", "TZ=UTC"],
        cwd: "/work",
        noNewPrivileges: true,
        capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
        rlimits: [
          limit("AS", 192 * 1024 * 1024),
          limit("CORE", 0),
          limit("FSIZE", 16 * 1024 * 1024),
          limit("MEMLOCK", 0),
          limit("MSGQUEUE", 0),
          limit("NOFILE", 128),
          limit("NPROC", 32),
          limit("SIGPENDING", 32),
          limit("STACK", 8 * 1024 * 1024),
        ],
      },
      mounts: [
        { destination: "/proc", type: "proc", source: "proc", options: ["ro"] },
        {
          destination: "/sys",
          type: "tmpfs",
          source: "tmpfs",
          options: ["mode=0000", "size=4k", "nr_inodes=1", "ro", ...locked],
        },
        folder("/usr-lib-silo-cell", "/usr/lib/silo/cell"),
        folder("/usr-lib-silo-sdk", "/usr/lib/silo/sdk"),
        folder("/bundle", "/bundle"),
        folder("/run-silo", "/run/silo"),
        folder("/cell/tmp", "/tmp"),
        {
          destination: "/work",
          type: "tmpfs",
          source: "tmpfs",
          options: ["mode=0777", `size=${16 * 1024 * 1024}`, "nr_inodes=4096", ...locked],
        },
        ...["/dev/net", "/dev/fuse"].map((destination) => ({
          ...{ destination, type: "tmpfs", source: "tmpfs" },
          options: ["mode=0000", "size=4k", "nr_inodes=1", "ro", ...locked],
        })),
      ],
      linux: { namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })) },
    });
  });

  test("takes its limits from the request alone", () => {
    const { process, mounts } = config({
      resources: { ...resources, memory_mib: 32, work_mib: 1, processes: 1, files: 16 },
    }) as { process: { rlimits: object[] }; mounts: { destination: string; options: string[] }[] };
    const hard = (name: string, value: number) => ({ type: `RLIMIT_${name}`, soft: value, hard: value });
    expect(process.rlimits).toEqual(
      expect.arrayContaining([
        hard("AS", 96 * 1024 * 1024),
        hard("FSIZE", 1024 * 1024),
        hard("NPROC", 1),
        hard("NOFILE", 16),
      ]),
    );
    expect(mounts.find(({ destination }) => destination === "/work")?.options).toContain(`size=${1024 * 1024}`);
  });
});
