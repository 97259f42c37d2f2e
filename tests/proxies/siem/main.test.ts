/** The exporter as the appliance runs it: its own main.ts, user, seal and folders, and the console's end of its edge. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { verifyExport } from "../../../console/audit/exported.ts";
import { compileFilter, parseCallTable } from "../../../console/up/filter.ts";
import { services } from "../../../console/up/processes.ts";
import { commandLine, filterPath } from "../../../console/up/spawn.ts";
import { consoleToSiem } from "../../../kernel/abi/export.ts";
import { type Client, connect } from "../../../kernel/process/connect.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { type LogWorld, openLogWorld } from "../../kernel/audit/log-world.ts";
import { apart } from "../proxy/apart.ts";

let world: LogWorld;
let scratch: string;
let child: ChildProcess;
let exporter: Client<typeof consoleToSiem>;
const at = (path: string) => join(scratch, path);

beforeAll(async () => {
  world = openLogWorld();
  world.add(300);
  await world.publisher.tend();
  scratch = mkdtempSync(join(tmpdir(), "silo-siem-"));
  chmodSync(scratch, 0o711);
  for (const folder of ["run/siem/console", "run/credentials/siem", "run/filters", "var/siem", "var/config", "etc"])
    mkdirSync(at(folder), { recursive: true });
  cpSync(world.folder, at("var/audit"), { recursive: true });
  const shipped = readFileSync("config/silo.yaml", "utf8");
  const set = shipped.replace(/^export: none$/m, "export: { to: file, bytes_max: 1048576, format: native }");
  expect(set).not.toBe(shipped);
  writeFileSync(at("etc/silo.yaml"), set);
  const own = (owner: string, mode: string, ...paths: string[]) => {
    execFileSync("chown", [owner, ...paths.map(at)]);
    execFileSync("chmod", [mode, ...paths.map(at)]);
  };
  own("silo-siem:silo-siem", "700", "run/siem", "run/credentials/siem");
  own("silo-siem:silo-console", "2710", "run/siem/console");
  own("silo-siem:silo-kernel", "2750", "var/siem");
  execFileSync("chown", ["-R", "silo-kernel:silo-siem", at("var/audit")]);
  execFileSync("chmod", ["-R", "u=rwX,g=rX,o=", at("var/audit")]);
  const siem = services.find(({ name }) => name === "siem");
  if (siem === undefined) throw new Error("There is no such service.");
  const calls = parseCallTable(execFileSync("enosys", ["--list"], { encoding: "utf8" }));
  writeFileSync(filterPath(at("run"), siem), compileFilter("siem", calls, process.arch as "x64"));
  const output = openSync(at("log"), "a");
  const line = commandLine(siem, { product: "/opt/silo", run: "/run/silo", keyring: null });
  const binds = [
    [at("run"), "/run/silo"],
    [at("var"), "/var/silo"],
    [at("etc"), "/etc/silo"],
  ] as const;
  const [program, ...argv] = apart(binds, ["/usr/bin/env", ...line]);
  const env = { PATH: process.env["PATH"] ?? "", CREDENTIALS_DIRECTORY: "/run/silo/credentials/siem" };
  child = spawn(program, argv, { cwd: "/opt/silo", env, stdio: ["ignore", output, output] });
  const silent = openLog("test");
  silent.level = "silent";
  exporter = connect({ from: "console", to: "siem" }, consoleToSiem, { run: at("run"), log: silent });
});
afterAll(async () => {
  exporter.close();
  child.kill("SIGKILL");
  await world.close();
  rmSync(scratch, { recursive: true });
});

const status = () => exporter.request("export_status", {});

test("it exports what it may read, tells how far it is, and sends a test event", async () => {
  await vi.waitFor(
    async () =>
      expect(await status(), readFileSync(at("log"), "utf8")).toMatchObject({
        value: { state: "up to date", taken: 300 },
      }),
    { timeout: 30_000, interval: 100 },
  );
  expect(await status()).toMatchObject({
    value: { to: "files", format: "native", problem: null, entries: 300, certain: 300, checkpoint: 300, dropped: 0 },
  });
  expect(await exporter.request("export_test", {})).toMatchObject({
    value: { taken: true, said: expect.stringMatching(/on disk in/) },
  });
  expect(verifyExport(at("var/siem/files/0000000000000000.log"), world.verifier)).toMatchObject({
    entries: 300,
    again: 0,
  });
});

test("nobody else reads the published log, and the kernel alone how far it is exported", () => {
  const reads = (user: string, path: string) =>
    spawnSync("setpriv", [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--", "cat", at(path)]).status === 0;
  expect(reads("silo-siem", "var/audit/checkpoint")).toBe(true);
  for (const user of ["silo-kv", "silo-vault", "silo-ingress"]) expect(reads(user, "var/audit/checkpoint")).toBe(false);
  expect(reads("silo-kernel", "var/siem/cursor.json")).toBe(true);
  expect(reads("silo-kv", "var/siem/cursor.json")).toBe(false);
});

test("it ends when it is told to", async () => {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
