/**
 * The one order in which a process starts and stops: read configuration, open what it holds and take its sockets, seal, say that it is
 * ready; at SIGTERM finish what is in hand.
 *
 * Threat: a process serves with more than its job needs, or half open.
 * Contract: nobody is told that this process is ready before its seal has been checked.
 * Failure: it exits with a sentence in its log: 78 for configuration (EX_CONFIG), 77 for a broken seal (EX_NOPERM), 70 for a defect.
 */
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { ProcessName } from "../abi/edges.ts";
import { ConfigError, type Directories, directories } from "./config.ts";
import { type Log, openLog } from "./log.ts";
import { notifyReady, tellStatus } from "./notify.ts";
import { ownStatus, type Seal, sealFaults } from "./seal.ts";

/** What `open` hands back. `stop` takes no new work and settles when what was in hand is answered. */
export type Running = { status: string; stop(): Promise<void> };

/** What is in hand when the process is told to stop gets so long. */
const STOP_MS_MAX = 5000;
/** sysexits(3). */
const EXIT = { defect: 70, seal: 77, config: 78 } as const;

/** Starts the process `silo-NAME`. `open` reads configuration, opens what the process holds and takes its sockets, in that order. */
export async function startProcess(
  name: ProcessName,
  open: (dirs: Directories, log: Log) => Promise<Running>,
  capabilities: Seal["capabilities"] = "none",
): Promise<void> {
  const log = openLog(name);
  const running = await open(directories(process.env), log).catch((error: unknown) => {
    if (error instanceof ConfigError) return exit(log, EXIT.config, error.message);
    log.fatal({ err: error }, "it could not start");
    process.exit(EXIT.defect);
  });
  const uid = capabilities === "root" ? 0 : uidOf(`silo-${name}`);
  const faults = sealFaults(ownStatus(), { uid, capabilities });
  if (faults.length > 0) exit(log, EXIT.seal, `Not sealed. ${faults.join(" ")}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop(running, log));
  await notifyReady(running.status);
  log.info(running.status);
}

async function stop(running: Running, log: Log): Promise<void> {
  setTimeout(() => process.exit(0), STOP_MS_MAX).unref();
  await running.stop();
  // An answer leaves at the end of its turn (write-together.ts), and what was in hand may be answered in the next one.
  for (let turn = 0; turn < 2; turn++) await setImmediate();
  log.info("stopped");
  process.exit(0);
}

function exit(log: Log, status: number, sentence: string): never {
  log.fatal(sentence);
  tellStatus(sentence);
  process.exit(status);
}

/** The number of a user of this machine, from passwd(5). Throws where it has none. */
function uidOf(user: string, passwd = readFileSync("/etc/passwd", "utf8")): number {
  const id = new RegExp(`^${user}:[^:]*:(\\d+):`, "m").exec(passwd)?.[1];
  if (id === undefined) throw new Error(`There is no user ${user} on this machine.`);
  return Number(id);
}
