/**
 * The cells that run now: start one, and let nothing of it be left when it is over.
 *
 * Threat: a cell that outlives its deadline, its lease or the jailer that started it; a second cell in a slot, so that two share users.
 * Contract: `start` settles only when no process of the slot's uid range is left. A cell ends by itself, at its deadline or by `kill`,
 * and always by SIGKILL of every process in the range: a cell is thrown away, so nothing in it is asked to end.
 * Failure: a cell that cannot be started ends as `failed` with the reason in the log; a process that cannot be killed keeps its slot taken.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { lstatSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Exit } from "../kernel/abi/messages.ts";
import type { Cgroups } from "./cgroup.ts";
import type { Log } from "./log.ts";
import type { Start } from "./messages.ts";
import { bundlePath, NSPAWN_FAILED, nspawnArguments, nspawnEnvironment, socketFolder } from "./nspawn.ts";
import { processesIn, slotUids, type UidRange } from "./uids.ts";

export type Cells = {
  /** Runs one cell to its end. */
  start(request: Start): Promise<Exit>;
  /** Settles when nothing of the cell is left; at once where there is no such cell. */
  kill(cell: string): Promise<void>;
  killAll(): Promise<void>;
};

type Live = { request: Start; child: ChildProcess; reason: "killed" | "deadline" | undefined; gone: Promise<Exit> };
type Ended = { code: number | null; signal: NodeJS.Signals | null };

/** Cells yield to the kernel and the membrane when the processor is short, and go first when memory is. */
const CELL_NICENESS = 5;
const CELL_OOM_SCORE_ADJUST = 1000;
/** setTimeout(3) of Node takes no longer one. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const SWEEP_MS = 5;
const SWEEP_MS_LOUD = 5_000;
/** Exit codes with which jail/cell/run.py says that the cell was never offered. */
const NOT_OFFERED_CODES = { notSealed: 3, doorSilent: 4, probeFirst: 64, probeLast: 79 };

/** `cgroups` is undefined where the host has none. `now` is in milliseconds. */
export function openCells(options: { log: Log; cgroups: Cgroups | undefined; now: () => number }): Cells {
  const { log, cgroups, now } = options;
  const live = new Map<string, Live>();

  function start(request: Start): Promise<Exit> {
    const fault = faultOf(request);
    if (fault !== undefined) {
      log.error({ cell: request.cell, slot: request.slot, why: fault }, "the cell was not started");
      return Promise.resolve({ reason: "failed", code: null, signal: null, millis: 0 });
    }
    const begun = now();
    const argv = nspawnArguments(request);
    const launch = () => spawnQuietly(argv);
    const child = cgroups === undefined ? launch() : cgroups.enter(request.cell, request.resources, launch);
    const entry: Live = { request, child, reason: undefined, gone: watch() };
    live.set(request.cell, entry);
    return entry.gone;

    async function watch(): Promise<Exit> {
      const deadline = setTimeout(() => end("deadline"), Math.min(request.deadline_ms, TIMER_MS_MAX));
      const { code, signal } = await endOf(child);
      clearTimeout(deadline);
      await sweep(slotUids(request.slot), log);
      cgroups?.remove(request.cell);
      live.delete(request.cell);
      const exit: Exit = { reason: entry.reason ?? reasonOf(code), code, signal, millis: now() - begun };
      log.info({ cell: request.cell, slot: request.slot, ...exit }, "the cell is gone");
      return exit;
    }
    function end(reason: "deadline"): void {
      entry.reason ??= reason;
      child.kill("SIGKILL");
    }
  }

  function faultOf(request: Start): string | undefined {
    if (request.isolation !== "nspawn") return `The isolation ${request.isolation} is not there.`;
    if (live.has(request.cell)) return "That cell runs already.";
    if ([...live.values()].some((other) => other.request.slot === request.slot)) return "The slot is taken.";
    if (!isFolder(bundlePath(request))) return "The bundle is not there.";
    if (!isFolder(socketFolder(request))) return "The slot has no socket folder.";
    return undefined;
  }

  async function kill(cell: string): Promise<void> {
    const entry = live.get(cell);
    if (entry === undefined) return;
    entry.reason ??= "killed";
    entry.child.kill("SIGKILL");
    await entry.gone;
  }

  async function killAll(): Promise<void> {
    await Promise.all([...live.keys()].map(kill));
  }

  return { start, kill, killAll };
}

/** Kills every process in `range` until there is none. */
export async function sweep(range: UidRange, log: Log): Promise<void> {
  for (let waited = 0; ; waited += SWEEP_MS) {
    const pids = processesIn(range);
    if (pids.length === 0) return;
    for (const pid of pids) killIfThere(pid);
    if (waited === SWEEP_MS_LOUD) log.error({ ...range, pids }, "processes of a cell do not end");
    await delay(SWEEP_MS);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}

/** Nothing of the jailer's reaches the cell, and nothing a cell says is read: its standard streams are /dev/null. */
function spawnQuietly([program = "", ...rest]: string[]): ChildProcess {
  const child = spawn(program, rest, { stdio: "ignore", env: nspawnEnvironment, cwd: "/", detached: true });
  if (child.pid !== undefined) {
    setPriority(child.pid, CELL_NICENESS);
    writeFileSync(`/proc/${child.pid}/oom_score_adj`, String(CELL_OOM_SCORE_ADJUST));
  }
  return child;
}

function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once("error", () => resolve({ code: NSPAWN_FAILED, signal: null }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

function reasonOf(code: number | null): Exit["reason"] {
  const { notSealed, doorSilent, probeFirst, probeLast } = NOT_OFFERED_CODES;
  const never = code === NSPAWN_FAILED || code === notSealed || code === doorSilent;
  return never || (code !== null && code >= probeFirst && code <= probeLast) ? "failed" : "exited";
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
