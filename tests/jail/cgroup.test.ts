import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Cgroups, groupLimits, openCgroups, ownGroup } from "../../jail/cgroup.ts";
import { resources } from "./jailer.ts";

const MOUNTS =
  "22 1 0:20 / /proc rw - proc proc rw\n30 22 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

describe("a process's own group", () => {
  test.each([
    [
      "below the mount",
      "0::/system.slice/silo-jailer.service\n",
      MOUNTS,
      "/sys/fs/cgroup/system.slice/silo-jailer.service",
    ],
    ["at the root", "0::/\n", MOUNTS, "/sys/fs/cgroup"],
    ["beside version 1", "3:pids:/x\n0::/y\n", MOUNTS, "/sys/fs/cgroup/y"],
    ["where a part is mounted", "0::/a/b/c\n", MOUNTS.replace("0:26 /", "0:26 /a/b"), "/sys/fs/cgroup/c"],
  ])("is found %s", (_, cgroup, mounts, found) => {
    expect(ownGroup(cgroup, mounts)).toBe(found);
  });

  test.each([
    ["version 1 alone", "3:pids:/x\n", MOUNTS],
    ["no mount", "0::/x\n", "22 1 0:20 / /proc rw - proc proc rw\n"],
  ])("is none where there is %s", (_, cgroup, mounts) => {
    expect(ownGroup(cgroup, mounts)).toBeUndefined();
  });
});

test("a group's limits are the request's, without swap", () => {
  expect(groupLimits(resources)).toEqual({
    "cpu.max": "100000 100000",
    "memory.max": String(128 * 1024 * 1024),
    "memory.oom.group": "1",
    "memory.swap.max": "0",
    "pids.max": "40",
  });
});

describe("dividing a group", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "silo-cgroup-"));
    writeFileSync(join(home, "cgroup.controllers"), "cpuset cpu io memory pids\n");
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const text = (path: string) => readFileSync(join(home, path), "utf8");

  test("is told why it cannot be done", () => {
    expect(openCgroups(undefined)).toBe("This host has no cgroup v2.");
    writeFileSync(join(home, "cgroup.controllers"), "hugetlb pids\n");
    expect(openCgroups(home)).toBe("The host's cgroup v2 does not offer cpu, memory.");
    expect(openCgroups(join(home, "nothing"))).toMatch(/cannot be divided: ENOENT/);
  });

  test("moves the jailer aside, as a group with members may not be divided", () => {
    openCgroups(home);
    expect(text("jailer/cgroup.procs")).toBe(String(process.pid));
    expect(text("cgroup.subtree_control")).toBe("+cpu +memory +pids");
  });

  test("starts a cell inside its limits and comes back, even when the start fails", () => {
    const cgroups = openCgroups(home) as Cgroups;
    const seen = cgroups.enter("cell_1", resources, () => [text("cell_1/cgroup.procs"), text("cell_1/pids.max")]);
    expect(seen).toEqual([String(process.pid), "40"]);
    writeFileSync(join(home, "jailer/cgroup.procs"), "");
    const fail = () => {
      throw new Error("no");
    };
    expect(() => cgroups.enter("cell_2", resources, fail)).toThrow("no");
    expect(text("jailer/cgroup.procs")).toBe(String(process.pid));
  });

  test("removes a cell's group with what nspawn made below it", () => {
    const cgroups = openCgroups(home) as Cgroups;
    mkdirSync(join(home, "cell_1/payload"), { recursive: true });
    mkdirSync(join(home, "cell_1/supervisor"));
    cgroups.remove("cell_1");
    expect(existsSync(join(home, "cell_1"))).toBe(false);
  });
});
