/** Starts and stops one outside system of the trial as a child of this process. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** An outside system of the trial could not be set up. The message says which and shows the end of its own log. */
export class OutsideError extends Error {
  override name = "OutsideError";
}

export type Daemon = {
  /** Sends `signal` and settles when it has gone; kills it when it is still there after STOP_MS_MAX. */
  stop(signal: NodeJS.Signals): Promise<void>;
};

const READY_MS_MAX = 30_000;
const READY_POLL_MS = 50;
const STOP_MS_MAX = 10_000;
const LOG_TAIL_LINES = 8;

/**
 * Runs setpriv(1) with `argv`, its output appended to the file `log`, and settles when `isReady` says so. `argv` gives a
 * `--pdeathsig`, so that the child ends with this process. Throws `OutsideError` when it ends first or is not ready in READY_MS_MAX.
 */
export async function startDaemon(
  name: string,
  argv: readonly string[],
  log: string,
  isReady: () => Promise<boolean>,
): Promise<Daemon> {
  const output = openSync(log, "a", 0o600);
  const child = spawn("setpriv", argv, { stdio: ["ignore", output, output] });
  closeSync(output);
  const ended = endOf(child);
  const deadline = Date.now() + READY_MS_MAX;
  while (!(await isReady())) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      throw failure(name, log, "did not start");
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw failure(name, log, `was not ready in ${READY_MS_MAX / 1000} s`);
    }
    await sleep(READY_POLL_MS);
  }
  return { stop: (signal) => stop(child, ended, signal) };
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
}

async function stop(child: ChildProcess, ended: Promise<void>, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(killer);
}

function failure(name: string, log: string, what: string): OutsideError {
  const tail = readFileSync(log, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  return new OutsideError(`${name} ${what}. The end of ${log}:\n${tail}`);
}
