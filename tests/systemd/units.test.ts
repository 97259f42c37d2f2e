/** Units, users, sockets, credentials and `kernel/abi` say the same of who may reach what. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { deniedCalls } from "../../console/up/filter.ts";
import { planFolders } from "../../console/up/layout.ts";
import { type Service, services, userOf } from "../../console/up/processes.ts";
import { edges } from "../../kernel/abi/edges.ts";
import { callers } from "../../kernel/abi/network.ts";
import { last, readUnit, UNITS, words } from "./unit-file.ts";

const RUN = "/run/silo";
const STATE = "/var/silo";
const STORE = "/run/credstore/silo";

const all = services.map((service) => [service.name, service, readUnit(`silo-${service.name}.service`)] as const);
const sealed = all.filter(([, { root }]) => !root);
const folders = planFolders(services, edges, RUN, STATE);

/** Paths that a process writes: those of the plan that are its own, without what lies below another of them. */
function ownFolders({ name }: Service): string[] {
  const own = folders.filter(({ owner }) => owner === userOf(name));
  const paths = own.map(({ path }) => path);
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

test("each process has a unit, and silo.target wants it", () => {
  const wanted = words(readUnit("silo.target"), "Wants");
  for (const [name] of all) expect(wanted).toContain(`silo-${name}.service`);
  for (const file of readdirSync(UNITS).filter((name) => /^silo-.*\.service$/.test(name)))
    expect(wanted).toContain(file);
});

test.each(all)("%s: runs its own folder of code as its own user", (name, service, unit) => {
  expect(last(unit, "ExecStart")).toBe(`/usr/bin/node /opt/silo/${service.folder}/main.ts`);
  expect(last(unit, "User")).toBe(service.root ? undefined : userOf(name));
  for (const setting of ["Group", "SupplementaryGroups", "DynamicUser"]) expect(unit(setting)).toEqual([]);
});

describe.each(sealed)("%s", (name, service, unit) => {
  test("writes what is its own, and finds nothing else of SiloOS", () => {
    expect(words(unit, "TemporaryFileSystem")).toEqual([`${RUN}:ro`, "/var:ro"]);
    expect(words(unit, "BindPaths").sort()).toEqual(ownFolders(service).sort());
    for (const setting of ["ReadWritePaths", "StateDirectory", "RuntimeDirectory"]) expect(unit(setting)).toEqual([]);
  });

  test("sees of other processes the folders of sockets it may speak to", () => {
    const mayReach = edges.filter(({ from }) => from === name).map(({ to }) => `${RUN}/${to}/${name}`);
    const seen = words(unit, "BindReadOnlyPaths").filter((path) => path.startsWith(`${RUN}/`));
    expect(seen.sort()).toEqual(mayReach.sort());
  });

  test("reads of the state of others what is for all, and the kernel the folders that arrive", () => {
    const read = words(unit, "BindReadOnlyPaths").filter((path) => !path.startsWith(`${RUN}/`));
    const shared = [`-${STATE}/config`, `-${RUN}/firewall`, `${STATE}/agents`, `${STATE}/audit`];
    expect(shared).toEqual(expect.arrayContaining(read));
    expect(read.includes(`${STATE}/agents`)).toBe(name === "kernel");
    expect(read.includes(`${STATE}/audit`)).toBe(name === "siem");
    if (name === "kernel" || name === "siem") expect(last(unit, "UMask")).toBe("0027");
  });

  test("has a network if it has destinations or is the front door", () => {
    const hasNetwork = name === "ingress" || callers.some((caller) => caller === name);
    expect(last(unit, "PrivateNetwork")).toBe(hasNetwork ? undefined : "yes");
    const internet = hasNetwork ? ["AF_INET", "AF_INET6"] : [];
    expect(words(unit, "RestrictAddressFamilies")).toEqual(["AF_UNIX", ...internet]);
  });

  test("is given its credentials and no others", () => {
    const given = unit("LoadCredential").map((value) => value.split(":"));
    const keystore = service.keyring ? ["keystore"] : [];
    const required = [...service.credentials, ...keystore].map((id) => [id, `${STORE}.${name}.${id}`]);
    const optional = service.optional.map((id) => [id, `silo.${name}.${id}`]);
    expect(given.sort()).toEqual([...required, ...optional].sort());
    for (const setting of ["ImportCredential", "SetCredential", "LoadCredentialEncrypted"])
      expect(unit(setting)).toEqual([]);
  });

  test("does not run for ever into what only a person can mend", () => {
    expect(words(unit, "RestartPreventExitStatus")).toEqual(["77", "78"]);
    expect(last(unit, "Restart")).toBe("always");
    expect(last(unit, "Type")).toBe("notify");
    expect(last(unit, "WatchdogSec")).toBe("90s");
    expect(last(unit, "MemoryMax")).toMatch(/^\d+[MG]$/);
  });
});

test.each(all)("%s: is allowed no system call that the trial's filter denies it", (name, _, unit) => {
  const allowed = callsOf(unit("SystemCallFilter"));
  expect(allowed.size).toBeGreaterThan(100);
  const denied = deniedCalls.filter(({ except = [], argument }) => argument === undefined && !except.includes(name));
  expect(denied.map(({ deny }) => deny).filter((call) => allowed.has(call))).toEqual([]);
});

test("folders of the appliance are made as the launcher of the trial makes them", () => {
  const lines = readFileSync(`${UNITS}../tmpfiles.d/silo.conf`, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("d "));
  const rows = folders.map(
    ({ path, mode, owner, group }) => `d ${path} ${mode.toString(8).padStart(4, "0")} ${owner} ${group}`,
  );
  expect(lines).toEqual(rows);
});

/** An allow list, from which lines that begin with ~ take away. */
function callsOf(lines: readonly string[]): Set<string> {
  const allowed = new Set<string>();
  for (const line of lines) {
    const takes = line.startsWith("~");
    const named = line
      .replace("~", "")
      .split(/\s+/)
      .flatMap((word) => (word.startsWith("@") ? expand(word) : [word]));
    for (const call of named) takes ? allowed.delete(call) : allowed.add(call);
  }
  return allowed;
}

const sets = new Map<string, string[]>();

function expand(set: string): string[] {
  const known = sets.get(set);
  if (known !== undefined) return known;
  const { stdout } = spawnSync("systemd-analyze", ["syscall-filter", set], { encoding: "utf8" });
  const listed = stdout.split("\n").map((line) => line.trim());
  const members = listed.slice(1).filter((line) => /^@?[a-z0-9_-]+$/.test(line));
  const calls = members.flatMap((member) => (member.startsWith("@") ? expand(member) : [member]));
  sets.set(set, calls);
  return calls;
}
