/** What `systemd-analyze security` says of each unit, 0 being the best and 10 the worst; and of the jailer, what exactly it goes without. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UNITS } from "./unit-file.ts";

const SCORE_MAX = 1.5;
const units = readdirSync(UNITS).filter((name) => /^silo-.*\.service$/.test(name));
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "units-"));
  mkdirSync(join(root, "usr/lib/systemd"), { recursive: true });
  cpSync(UNITS, join(root, "usr/lib/systemd/system"), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Row = { set: boolean | null; name: string; exposure: string | null };

function assess(unit: string, ...options: string[]): string {
  const argv = ["security", "--no-pager", "--offline=true", `--root=${root}`, ...options, unit];
  const { stdout, stderr } = spawnSync("systemd-analyze", argv, { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout;
}

function score(unit: string): number {
  return Number(/exposure level for \S+: ([0-9.]+)/.exec(assess(unit))?.[1]);
}

/** What it goes without and what that costs. */
function missing(unit: string): string[] {
  const rows = JSON.parse(assess(unit, "--json=short")) as Row[];
  return rows.filter(({ set, exposure }) => set === false && exposure !== null).map(({ name }) => name);
}

/** Everybody's: the product lies in the system's own root, Node compiles what it runs and is spoken for by a child, sockets are unix sockets. */
const everybody = [
  "RootDirectory=/RootImage=",
  "MemoryDenyWriteExecute=",
  "NotifyAccess=",
  "RestrictAddressFamilies=~AF_UNIX",
  "DeviceAllow=", // ProtectClock= lets the clock be read
];

/** What makes namespaces, mounts, users and groups for cells. silo-jailer.service.d/sandbox.conf says of each what needs it. */
const jailer = [
  ...["User=/DynamicUser=", "NoNewPrivileges=", "PrivateUsers=", "PrivateDevices=", "ProtectHostname="],
  ...[
    "ProtectProc=",
    "ProcSubset=",
    "ProtectControlGroups=",
    "ProtectKernelTunables=",
    "ProtectKernelLogs=",
    "Delegate=",
  ],
  ...["user", "pid", "net", "uts", "mnt", "cgroup", "ipc"].map((kind) => `RestrictNamespaces=~${kind}`),
  ...["@mount", "@debug", "@privileged", "@resources"].map((set) => `SystemCallFilter=~${set}`),
  ...["SYS_ADMIN", "SYS_CHROOT", "MKNOD", "KILL"].map((name) => `CapabilityBoundingSet=~CAP_${name}`),
  "CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)",
  "CapabilityBoundingSet=~CAP_(CHOWN|FSETID|SETFCAP)",
  "CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)",
  "RestrictAddressFamilies=~AF_NETLINK", // a cell's loopback
];

/** Steps of a boot that do what the processes are kept from: their sandbox.conf says what each needs. Here so that they get no worse. */
const steps: Record<string, number> = { "silo-disk.service": 3.2, "silo-firewall.service": 3.5 };

test.each(units.filter((unit) => unit !== "silo-jailer.service"))("%s: is exposed no more than it may be", (unit) => {
  expect(score(unit)).toBeLessThanOrEqual(steps[unit] ?? SCORE_MAX);
});

describe("the jailer", () => {
  test("goes without what it needs to go without, and nothing else", () => {
    expect(missing("silo-jailer.service").sort()).toEqual([...everybody, ...jailer].sort());
  });
});
