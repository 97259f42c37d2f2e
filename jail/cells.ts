/**
 * The cells that run now: start one, and let nothing of it be left when it is over.
 *
 * Threat: a cell that outlives its deadline, its lease or the jailer that started it; a second cell in a slot, so that two share users.
 * Contract: `start` settles only when no process of the slot's uid range is left. A cell ends by itself, at its deadline or by `kill`,
 * and then by SIGKILL of every process in the range: a cell is thrown away, so nothing in it is asked to end.
 * Failure: a cell that cannot be started ends as `failed` with the reason in the log; a process that cannot be killed keeps its slot taken.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { lstatSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { Writable } from "node:stream";
import type { Exit } from "../kernel/abi/messages.ts";
import type { Cgroups } from "./cgroup.ts";
import { bundlePath, socketFolder } from "./inside.ts";
import type { Command } from "./isolation.ts";
import { isolations } from "./isolations.ts";
import type { Log } from "./log.ts";
import type { Start } from "./messages.ts";
import { slotUids } from "./processes.ts";
import { sweep } from "./sweep.ts";

export type Cells = {
  /** Runs one cell to its end. */
  start(request: Start): Promise<Exit>;
  /** Settles when nothing of the cell is left; at once where there is no such cell. */
  kill(cell: string): Promise<void>;
  killAll(): Promise<void>;
};

type Ended = { code: number | null; signal: NodeJS.Signals | null };
type Live = { slot: number; gone: Promise<Exit>; end(reason: "killed" | "deadline"): void };

/** Cells yield to the kernel and the membrane when the processor is short, and go first when memory is. */
const CELL_NICENESS = 5;
const CELL_OOM_SCORE_ADJUST = 1000;
/** Node's timers take no longer one. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Exit codes with which jail/cell/run.py says that the cell was never offered. */
const NEVER_OFFERED = { notSealed: 3, doorSilent: 4, probeFirst: 64, probeLast: 79 };

/** `cgroups` is undefined where the host has none. `now` is in milliseconds. */
export function openCells(options: { log: Log; cgroups: Cgroups | undefined; now: () => number }): Cells {
  const { log, cgroups, now } = options;
  const live = new Map<string, Live>();

  async function start(request: Start): Promise<Exit> {
    const fault = faultOf(request);
    if (fault !== undefined) {
      log.error({ cell: request.cell, slot: request.slot, why: fault }, "the cell was not started");
      return { reason: "failed", code: null, signal: null, millis: 0 };
    }
    const running = run(request);
    live.set(request.cell, running);
    const exit = await running.gone;
    cgroups?.remove(request.cell);
    live.delete(request.cell);
    log.info({ cell: request.cell, slot: request.slot, ...exit }, "the cell is gone");
    return exit;
  }

  function faultOf({ cell, slot, bundle }: Start): string | undefined {
    if (live.has(cell)) return "That cell runs already.";
    if ([...live.values()].some((other) => other.slot === slot)) return "The slot is taken.";
    if (!isFolder(bundlePath(bundle))) return "The bundle is not there.";
    if (!isFolder(socketFolder(slot))) return "The slot has no socket folder.";
    return undefined;
  }

  function run(request: Start): Live {
    const begun = now();
    const range = slotUids(request.slot);
    const { command, failures } = isolations[request.isolation];
    const child = launch(request, command(request));
    let over = false;
    let reason: "killed" | "deadline" | undefined;

    async function watch(): Promise<Exit> {
      const deadline = setTimeout(() => end("deadline"), Math.min(request.deadline_ms, TIMER_MS_MAX));
      const { code, signal } = await endOf(child);
      over = true;
      clearTimeout(deadline);
      await sweep(range, () => true, log);
      return { reason: reason ?? reasonOf({ code, signal }, failures), code, signal, millis: now() - begun };
    }
    function end(why: "killed" | "deadline"): void {
      if (reason !== undefined) return;
      reason = why;
      void sweep(
        range,
        () => over,
        log,
        () => child.kill("SIGKILL"),
      );
    }
    return { slot: request.slot, gone: watch(), end };
  }

  function launch({ cell, resources }: Start, command: Command): ChildProcess {
    const start = () => spawnQuietly(command);
    return cgroups === undefined ? start() : cgroups.enter(cell, resources, start);
  }

  async function kill(cell: string): Promise<void> {
    const running = live.get(cell);
    running?.end("killed");
    await running?.gone;
  }

  async function killAll(): Promise<void> {
    await Promise.all([...live.keys()].map(kill));
  }

  return { start, kill, killAll };
}

/** Nothing of the jailer's reaches the cell, and nothing a cell says is read: its standard streams are /dev/null. */
function spawnQuietly({ argv: [program = "", ...rest], environment, given }: Command): ChildProcess {
  const stdio = ["ignore", "ignore", "ignore", given === null ? "ignore" : "pipe"] as const;
  const child = spawn(program, rest, { stdio: [...stdio], env: environment, cwd: "/", detached: true });
  if (child.pid !== undefined) {
    setPriority(child.pid, CELL_NICENESS);
    writeFileSync(`/proc/${child.pid}/oom_score_adj`, String(CELL_OOM_SCORE_ADJUST));
  }
  const pipe = child.stdio[3];
  // A command that ends before it has read has an exit that says so.
  if (pipe instanceof Writable) pipe.on("error", () => undefined).end(given);
  return child;
}

function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

function reasonOf({ code, signal }: Ended, failures: readonly number[]): Exit["reason"] {
  const { notSealed, doorSilent, probeFirst, probeLast } = NEVER_OFFERED;
  if (code === null) return signal === null ? "failed" : "exited";
  const never = failures.includes(code) || code === notSealed || code === doorSilent;
  return never || (code >= probeFirst && code <= probeLast) ? "failed" : "exited";
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
