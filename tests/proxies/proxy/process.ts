/** A proxy as the appliance runs it: its own main.ts, user, credentials and seal, and the vault's end of its edge. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compileFilter, parseCallTable } from "../../../console/up/filter.ts";
import type { ProxyName } from "../../../kernel/abi/edges.ts";
import { done, type End } from "../../../kernel/abi/ends.ts";
import type { Json, JsonObject } from "../../../kernel/abi/json.ts";
import { vaultToProxy } from "../../../kernel/abi/messages.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import type { Permit } from "../../../kernel/abi/permit.ts";
import { type EffectEnd, provenEnd } from "../../../kernel/abi/proof.ts";
import { type Client, connect, type Lost } from "../../../kernel/process/connect.ts";
import { openLog } from "../../../kernel/process/log.ts";
import type { Decision } from "../../../proxies/proxy/record.ts";
import { apart } from "./apart.ts";
import { actOf, KEY, permitFor, type Terms } from "./permits.ts";

type Given = { values?: JsonObject; customer?: string | null };

export type ProxyProcess = {
  act(terms: Terms, permitted: JsonObject, given?: Given): Promise<End<{ result: Json }> | Lost>;
  decide(terms: Terms, permitted: JsonObject): Promise<End<Decision> | Lost>;
  readonly vault: Client<typeof vaultToProxy>;
  /** Starts it again on the same records, after it has ended. */
  restart(): Promise<void>;
  kill9(): Promise<void>;
  /** SIGTERM; its exit status. */
  stop(): Promise<number | null>;
  /** What it wrote into its log. */
  log(): string;
  end(): Promise<void>;
};

const READY_MS_MAX = 15_000;

/**
 * Starts it and settles when it serves. `settings` is the content of its own credential files besides the permit key; `etc` stands in
 * for /etc/silo.
 */
export async function startProxyProcess(
  name: ProxyName,
  settings: Record<string, Json> = {},
  etc = "/etc/silo",
): Promise<ProxyProcess> {
  const scratch = mkdtempSync(join(tmpdir(), `silo-${name}-`));
  const operations = readOperations({ etc });
  const logFile = join(scratch, "log");
  const run = join(scratch, "run");
  makeFolders(name, scratch);
  writeCredentials(name, join(run, "credentials", name), settings);
  writeFilter(name, join(scratch, "filter"));
  let child = start();
  const silent = openLog("test");
  silent.level = "silent";
  const vault = connect({ from: "vault", to: name }, vaultToProxy, { run, log: silent });
  await ready();

  function start(): ChildProcess {
    const output = openSync(logFile, "a");
    const [program, ...argv] = apart(
      [
        [run, "/run/silo"],
        [join(scratch, "var"), "/var/silo"],
        [etc, "/etc/silo"],
      ],
      sealed(name, join(scratch, "filter")),
    );
    const env = { PATH: process.env["PATH"] ?? "", CREDENTIALS_DIRECTORY: `/run/silo/credentials/${name}` };
    return spawn(program, argv, { cwd: "/opt/silo", env, stdio: ["ignore", output, output] });
  }

  async function ready(): Promise<void> {
    const deadline = Date.now() + READY_MS_MAX;
    while (!vault.connected) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`${name} does not serve: ${readFileSync(logFile)}`);
      await sleep(20);
    }
  }

  async function gone(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const status = await exit;
    while (vault.connected) await sleep(5);
    return status;
  }

  /** An effect's end is proved, a read's is not. */
  function expectProof(permit: Permit, proof: string | null, end: EffectEnd): void {
    const isRead = operations.get(permit.capability)?.effect === "read";
    if (isRead ? proof !== null : provenEnd(permit, proof, KEY) !== end)
      throw new Error(`${permit.capability}: ${end} is not what its proof says.`);
  }

  return {
    async act(terms, permitted, given) {
      const body = actOf(name, terms, permitted, given);
      const end = await vault.request("act", body);
      if (end.end !== "done") return end;
      expectProof(body.permit, end.value.proof, "happened");
      return done({ result: end.value.result as Json });
    },
    async decide(terms, permitted) {
      const permit = permitFor(name, terms, permitted);
      const end = await vault.request("decide", { permit, arguments: permitted });
      if (end.end !== "done") return end;
      const { decided, result, proof } = end.value;
      expectProof(permit, proof, decided);
      return done({ decided, result: result as Json });
    },
    vault,
    async restart() {
      child = start();
      await ready();
    },
    kill9: async () => void (await gone("SIGKILL")),
    stop: () => gone("SIGTERM"),
    log: () => readFileSync(logFile, "utf8"),
    async end() {
      vault.close();
      await gone("SIGKILL");
      rmSync(scratch, { recursive: true });
    },
  };
}

function makeFolders(name: string, scratch: string): void {
  const user = `silo-${name}`;
  chmodSync(scratch, 0o711);
  const folders = [`run/${name}/vault`, `run/credentials/${name}`, `var/proxies/${name}`, "var/config"];
  for (const folder of folders) mkdirSync(join(scratch, folder), { recursive: true });
  const own = [`run/${name}`, `run/${name}/vault`, `run/credentials/${name}`, `var/proxies/${name}`];
  execFileSync("chown", [`${user}:${user}`, ...own.map((folder) => join(scratch, folder))]);
}

function writeCredentials(name: string, folder: string, settings: Record<string, Json>): void {
  writeFileSync(join(folder, "permit"), KEY);
  for (const [file, content] of Object.entries(settings)) writeFileSync(join(folder, file), JSON.stringify(content));
  execFileSync("chown", ["-R", `silo-${name}:silo-${name}`, folder]);
}

function writeFilter(name: ProxyName, path: string): void {
  const calls = parseCallTable(execFileSync("enosys", ["--list"], { encoding: "utf8" }));
  writeFileSync(path, compileFilter(name, calls, process.arch as "x64"));
}

function sealed(name: ProxyName, filter: string): string[] {
  const user = `silo-${name}`;
  const nothing = ["--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];
  const program = [process.execPath, `/opt/silo/proxies/${name}/main.ts`];
  return [
    "/usr/bin/setpriv",
    `--reuid=${user}`,
    `--regid=${user}`,
    ...nothing,
    "--pdeathsig=KILL",
    `--seccomp-filter=${filter}`,
    "--",
    ...program,
  ];
}
