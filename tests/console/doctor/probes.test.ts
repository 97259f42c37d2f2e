/** Probes one by one, with the guard there and with the guard taken away. */

import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cgroups, inGroup, ownGroup } from "../../../console/doctor/cgroups.ts";
import { edgesHold, foldersHold } from "../../../console/doctor/folders.ts";
import { CLOCK_MS_MIN, clockFault, DRIFT_MS_MAX, kernelSettings, users } from "../../../console/doctor/host.ts";
import { disk, FREE_MIB_MIN, isShort, port } from "../../../console/doctor/keeping.ts";
import { readAccounts } from "../../../console/up/accounts.ts";
import { applyFolders, planFolders } from "../../../console/up/layout.ts";
import { services } from "../../../console/up/processes.ts";
import { edges } from "../../../kernel/abi/edges.ts";
import { readSettings } from "../../../kernel/abi/settings.ts";

const accounts = readAccounts();
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silo-doctor-"));
  chmodSync(root, 0o711);
});
afterAll(() => rmSync(root, { recursive: true }));

describe("the authority graph", () => {
  const places = () => ({ run: `${root}/run`, state: `${root}/state` });
  beforeEach(() => applyFolders(planFolders(services, edges, places().run, places().state), accounts));

  test("holds as it is made", () => {
    expect(edgesHold("trial", places(), accounts)).toMatchObject({ state: "holds" });
    expect(foldersHold("trial", places(), accounts)).toMatchObject({ state: "holds" });
  });

  test("leaves the one who tries root with all of its groups", () => {
    edgesHold("trial", places(), accounts);
    expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
  });

  test.each(edges.map(({ from, to }) => [from, to] as const))(
    "does not where the folder of %s -> %s lets everybody in",
    (from, to) => {
      chmodSync(`${root}/run/${to}/${from}`, 0o2711);
      const { state, means } = edgesHold("trial", places(), accounts);
      expect({ state, means }).toEqual({ state: "missing", means: expect.stringContaining(`at ${from} -> ${to}`) });
    },
  );

  test("does not where a sender was shut out", () => {
    chmodSync(`${root}/run/vault/door`, 0o2700);
    expect(edgesHold("trial", places(), accounts).means).toContain("silo-door at door -> vault");
  });

  test("does not where a folder has another group", () => {
    chownSync(`${root}/run/vault/door`, accounts.uid("silo-vault"), accounts.gid("silo-sms"));
    chmodSync(`${root}/run/vault/door`, 0o2710);
    const { means } = edgesHold("trial", places(), accounts);
    expect(means).toContain("silo-sms at door -> vault");
    expect(means).toContain("silo-door at door -> vault");
  });

  test.each(["kernel", "vault", "proxies/email", "console/people"])(
    "does not where the state of %s can be read by all",
    (name) => {
      chmodSync(`${root}/state/${name}`, 0o755);
      const { state, means } = foldersHold("trial", places(), accounts);
      expect({ state, means }).toEqual({ state: "missing", means: expect.stringContaining(`/state/${name} is `) });
    },
  );

  test("cannot be told before a start: on an appliance that is missing", () => {
    const nowhere = { run: `${root}/none`, state: `${root}/none` };
    expect(edgesHold("trial", nowhere, accounts).state).toBe("lowered");
    expect(edgesHold("appliance", nowhere, accounts).state).toBe("missing");
  });
});

test("users: one that is not there, and two that are one", () => {
  expect(users(accounts).state).toBe("holds");
  const without = { ...accounts, uid: (name: string) => (name === "silo-kv" ? lost(name) : accounts.uid(name)) };
  expect(users(without)).toMatchObject({ state: "missing", means: expect.stringContaining("silo-kv") });
  const shared = { ...accounts, uid: (name: string) => accounts.uid(name === "silo-kv" ? "silo-sms" : name) };
  expect(users(shared).state).toBe("missing");
});

function lost(name: string): never {
  throw new Error(`There is no ${name}.`);
}

test("cgroups: without controllers a group bounds nothing", () => {
  const plain = join(root, "cgroup");
  mkdirSync(plain, { recursive: true });
  expect(cgroups("trial", plain).state).toBe("lowered");
  expect(cgroups("appliance", plain).state).toBe("missing");
  expect(cgroups("trial", join(root, "none")).state).toBe("lowered");
});

describe("a process that goes into a control group", () => {
  const members = (name: string) => readFileSync(join(root, name, "cgroup.procs"), "utf8");
  const home = () => join(root, "home");
  const failing = () => {
    throw new Error("It failed.");
  };
  beforeEach(() => mkdirSync(home(), { recursive: true }));
  afterEach(() => {
    for (const name of ["home", "group"]) rmSync(join(root, name), { recursive: true, force: true });
  });

  test("is back where it was afterwards, and a group that cannot be removed hides nothing", () => {
    // A plain folder with a file in it is one.
    expect(inGroup(join(root, "group"), home(), {}, () => members("group"))).toBe(String(process.pid));
    expect(members("home")).toBe(String(process.pid));
  });

  test("is back there too when what it did failed", () => {
    expect(() => inGroup(join(root, "group"), home(), {}, failing)).toThrow("It failed.");
    expect(members("home")).toBe(String(process.pid));
  });

  test.each([
    ["0::/user.slice/user-0.slice\n", "/user.slice/user-0.slice"],
    ["4:memory:/x\n0::/y\n", "/y"],
    ["0::/\n", ""],
    ["4:memory:/x\n", ""],
  ])("was in the group that %j names", (text, group) => expect(ownGroup(text)).toBe(group));
});

describe("kernel settings", () => {
  const all = [
    "kernel.yama.ptrace_scope",
    "kernel.dmesg_restrict",
    "kernel.kptr_restrict",
    "kernel.unprivileged_bpf_disabled",
  ];
  const names = [...all, "fs.protected_symlinks", "fs.protected_hardlinks", "net.core.bpf_jit_harden"];
  const path = (name: string) => `${root}/proc/${name.replaceAll(".", "/")}`;
  beforeEach(() => {
    for (const name of names) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), "1\n");
    }
  });

  test("hold at 1", () => expect(kernelSettings("trial", `${root}/proc`).state).toBe("holds"));

  test.each(names)("do not with %s at 0, or without it", (name) => {
    writeFileSync(path(name), "0\n");
    const { state, means, todo } = kernelSettings("trial", `${root}/proc`);
    expect({ state, means, todo }).toEqual({
      state: "lowered",
      means: expect.stringContaining(name),
      todo: `sysctl -w ${name}=1`,
    });
    rmSync(path(name));
    expect(kernelSettings("appliance", `${root}/proc`).state).toBe("missing");
  });
});

test("the clock: before its time, and jumping", () => {
  expect(clockFault(CLOCK_MS_MIN, DRIFT_MS_MAX)).toBeNull();
  expect(clockFault(CLOCK_MS_MIN - 1, 0)).toContain("another time");
  expect(clockFault(CLOCK_MS_MIN, DRIFT_MS_MAX + 1)).toContain("jumped");
});

test("the disk: short, in memory, not writable", () => {
  expect([isShort(FREE_MIB_MIN), isShort(FREE_MIB_MIN - 1)]).toEqual([false, true]);
  expect(disk("appliance", "/proc").state).toBe("missing");
  expect(disk("trial", "/dev/shm").state).not.toBe("holds");
});

test("the front door: free, ours, somebody else's", async () => {
  const settings = readSettings({ etc: "config", var: root });
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const http = { host: "127.0.0.1", port: (server.address() as { port: number }).port };
  expect((await port({ ...settings, http }, true)).state).toBe("holds");
  expect((await port({ ...settings, http }, false)).state).toBe("missing");
  server.close();
  expect((await port({ ...settings, http }, false)).state).toBe("holds");
});
