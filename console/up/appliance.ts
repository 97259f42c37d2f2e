/** A whole appliance of the trial: made ready, started, kept running, stopped. Runs as root inside the build root. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { edges, proxies } from "../../kernel/abi/edges.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import { readAccounts } from "./accounts.ts";
import { command } from "./command.ts";
import { giveCredentials, makeCredentials, type Outside } from "./credentials.ts";
import { writeFilters } from "./filter-files.ts";
import { forgetState, identityPath } from "./fresh.ts";
import { dropKeyrings, keyringName, keysAreGone, makeKeyrings, TOUCH_MS, touchKeyrings } from "./keyring.ts";
import { LaunchError } from "./launch-error.ts";
import { applyFolders, planFolders, planTrialFolders } from "./layout.ts";
import { lockState } from "./lock.ts";
import { boundLogFile, openLogFile } from "./log-file.ts";
import { type Service, type ServiceName, services } from "./processes.ts";
import { peopleNames, settle } from "./settings.ts";
import { start } from "./spawn.ts";
import { type Happening, type Supervised, supervise } from "./supervise.ts";

const ETC = "/etc/silo";
const STATE = "/var/silo";
const RUN = "/run/silo";
const PRODUCT = "/opt/silo";
/** Of the trial's mail server, which keeps it outside the state directory. */
const MAIL_QUEUE = "/var/spool/smtpd";
const LOG_CHECK_MS = 1_000;
export const READY_MS = 120_000;

const KEYS_GONE =
  "The keys of this state directory are gone: a reboot empties the kernel keyring, and so does a week without a start. What it " +
  "sealed cannot be opened any more. Begin again with: npm start";

export type ApplianceOptions = {
  /** Starts the outside systems and says how their proxies reach them; called when the folders are there. */
  outside: () => Promise<Outside>;
  /** Forget everything the state directory holds. */
  fresh?: boolean;
  /** Of ingress, in place of the one in `silo.yaml`. */
  port?: number;
  /** The longest pause before a process that ended is started again (supervise.ts). */
  restartMsMax?: number;
  report?: (happening: Happening) => void;
};

export type Appliance = {
  settings: Settings;
  pid(name: ServiceName): number | undefined;
  /** Kills as a crash would; the process is started again. */
  kill9(name: ServiceName): Promise<void>;
  /** Settles when every process serves. Throws, naming those that do not, after `timeoutMs`. */
  waitReady(timeoutMs?: number): Promise<void>;
  /** Stops all in the reverse order. With `forget`, keys in the keyring go too, and this state cannot be started again. */
  stop(options?: { forget: boolean }): Promise<void>;
};

/** Starts every process; `waitReady` says when they serve. Throws before anything runs when the place is not fit. */
export async function startAppliance(options: ApplianceOptions): Promise<Appliance> {
  const { report = () => {}, restartMsMax } = options;
  const unlock = await lockState(STATE);
  const { settings, identity } = await prepare(options).catch((error) => {
    unlock();
    throw error;
  });
  const touching = setInterval(() => touchKeyrings(identity), TOUCH_MS);
  const running = new Map(services.map((service) => [service.name, run(service, identity, report, restartMsMax)]));
  const get = (name: ServiceName) => (running.get(name) as Running).supervised;
  return {
    settings,
    pid: (name) => get(name).pid(),
    kill9: (name) => get(name).kill9(),
    waitReady: (timeoutMs = READY_MS) => allReady(running, timeoutMs),
    async stop({ forget } = { forget: false }) {
      clearInterval(touching);
      for (const one of [...running.values()].reverse()) await one.stop();
      rmSync(`${RUN}/credentials`, { recursive: true, force: true });
      if (forget) dropKeyrings(identity);
      unlock();
    },
  };
}

type Prepared = { settings: Settings; identity: string };

/** Everything that has to be there before the first process starts. */
async function prepare({ outside, fresh, port }: ApplianceOptions): Promise<Prepared> {
  if (fresh) forgetState(STATE, RUN, MAIL_QUEUE);
  const accounts = readAccounts();
  applyFolders([...planFolders(services, edges, RUN, STATE), ...planTrialFolders(services, RUN, STATE)], accounts);
  const identity = applianceId(identityPath(STATE));
  if (keysAreGone(STATE, identity)) throw new LaunchError(KEYS_GONE);
  const settings = settle({ etc: ETC, var: STATE }, port);
  const people = peopleNames({ etc: ETC, var: STATE });
  const frontends = Object.keys(settings.frontends);
  const made = await makeCredentials({ state: STATE, people, frontends, outside: await outside() }, proxies);
  for (const service of services) giveCredentials(service, made, RUN, accounts);
  writeFilters(services, RUN, command("enosys", "--list"));
  makeKeyrings(identity, accounts);
  return { settings, identity };
}

/** Tells the keyrings of this state directory from those of others on the machine. */
function applianceId(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(8).toString("hex"), { mode: 0o600 });
  return readFileSync(path, "utf8");
}

type Running = { supervised: Supervised; stop(): Promise<void> };

function run(
  service: Service,
  identity: string,
  report: (happening: Happening) => void,
  restartMsMax: number | undefined,
): Running {
  const path = `${STATE}/log/${service.name}.log`;
  const log = openLogFile(path);
  const bounding = setInterval(() => boundLogFile(path, log), LOG_CHECK_MS);
  const keyring = service.keyring ? keyringName(service.name, identity) : null;
  const supervised = supervise(
    service.name,
    () => start(service, { product: PRODUCT, run: RUN, keyring }, log),
    report,
    restartMsMax,
  );
  return {
    supervised,
    async stop() {
      await supervised.stop();
      clearInterval(bounding);
    },
  };
}

async function allReady(running: ReadonlyMap<string, Running>, timeoutMs: number): Promise<void> {
  const all = Promise.all([...running.values()].map(({ supervised }) => supervised.whenReady()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LaunchError(notReady(running))), timeoutMs);
  });
  await Promise.race([all, late]).finally(() => clearTimeout(timer));
}

function notReady(running: ReadonlyMap<string, Running>): string {
  const names = [...running].filter(([, { supervised }]) => !supervised.ready()).map(([name]) => name);
  return `Not ready in time: ${names.join(", ")}. Their logs are in var/log of the state directory.`;
}
