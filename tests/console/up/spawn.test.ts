import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAccounts } from "../../../console/up/accounts.ts";
import { command } from "../../../console/up/command.ts";
import { writeFilters } from "../../../console/up/filter-files.ts";
import { dropKeyrings, keyringName, makeKeyrings } from "../../../console/up/keyring.ts";
import { type Service, services } from "../../../console/up/processes.ts";
import { commandLine, start } from "../../../console/up/spawn.ts";
import { sealFaults } from "../../../kernel/process/seal.ts";

/** Stands in for every process: says what it finds itself to be. */
const PROBE = `
import { readFileSync } from "node:fs";
const { spawnSync } = await import("node:child_process");
const keyctl = spawnSync("keyctl", ["show", "@s"], { encoding: "utf8" });
process.send({
  status: readFileSync("/proc/self/status", "utf8"),
  interfaces: readFileSync("/proc/self/net/dev", "utf8").split("\\n").slice(2).map((line) => line.split(":")[0].trim()).filter(Boolean),
  environment: Object.keys(process.env).sort(),
  core: readFileSync("/proc/self/limits", "utf8").match(/^Max core file size.*$/m)[0],
  keys: keyctl.stdout,
}, () => process.disconnect());
`;

type Found = {
  status: string;
  interfaces: string[];
  environment: string[];
  core: string;
  keys: string;
};

const identity = "test-spawn";
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "spawn-"));
  for (const { folder } of services) {
    mkdirSync(`${scratch}/${folder}`, { recursive: true });
    writeFileSync(`${scratch}/${folder}/main.ts`, PROBE);
  }
  command("chmod", "755", scratch);
  mkdirSync(`${scratch}/filters`);
  writeFilters(services, scratch, command("enosys", "--list"));
  makeKeyrings(identity, readAccounts());
});
afterAll(() => {
  dropKeyrings(identity);
  rmSync(scratch, { recursive: true });
});

async function find(service: Service): Promise<Found> {
  const keyring = service.keyring ? keyringName(service.name, identity) : null;
  const log = openSync(`${scratch}/log`, "a");
  const child = start(service, { product: scratch, run: scratch, keyring }, log);
  const said = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (typeof said[0] !== "object" || said[0] === null) throw new Error(readFileSync(`${scratch}/log`, "utf8"));
  return said[0] as Found;
}

describe.each(services.map((service) => [service.name, service] as const))("%s", (name, service) => {
  test("finds itself sealed", async () => {
    const found = await find(service);
    const uid = service.root ? 0 : readAccounts().uid(`silo-${name}`);
    expect(sealFaults(found.status, { uid, capabilities: service.root ? "root" : "none" })).toEqual([]);
    expect(/^Seccomp:\s*2$/m.test(found.status)).toBe(true);
    expect(/^Groups:\s*(0 ?)?$/m.test(found.status)).toBe(true);
    expect(found.core).toMatch(/size\s+0\s+0/);
    expect(found.environment).toEqual(["CREDENTIALS_DIRECTORY", "LANG", "PATH", "SILO_LOWERED", "SILO_MODE"]);
  });

  test("sees the network its row names", async () => {
    const { interfaces } = await find(service);
    if (service.network === "none") expect(interfaces.filter((one) => one !== "lo")).toEqual([]);
    else expect(interfaces).toContain("lo");
  });
});

test("a process that keeps no secrets sees no key", async () => {
  const door = services.find(({ name }) => name === "door") as Service;
  expect((await find(door)).keys.trim()).toBe("Keyring");
});

test("one process's keyring is not joined by another's user", async () => {
  const vault = services.find(({ name }) => name === "vault") as Service;
  const ring = keyringName("kernel", identity);
  const log = openSync(`${scratch}/log`, "a");
  const child = start(vault, { product: scratch, run: scratch, keyring: ring }, log);
  const [found] = (await once(child, "message")) as [Found];
  expect(found.keys).not.toContain(` 700 `);
});

test("nothing is left on the command line of a process that could gain privileges", () => {
  for (const service of services.filter(({ root }) => !root)) {
    const argv = commandLine(service, { product: "/opt/silo", run: "/run/silo", keyring: null });
    expect(argv).toContain("--no-new-privs");
    expect(argv).toContain("--bounding-set=-all");
    expect(argv.indexOf("setpriv")).toBeLessThan(argv.indexOf("node"));
  }
});
