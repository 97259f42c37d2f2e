/** Keeps processes running: starts them, restarts what ends, and stops them in the reverse order. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Pause before a restart: doubles from the first to the last, and begins anew after a steady run. */
export const RESTART_MS_FIRST = 100;
export const RESTART_MS_MAX = 5_000;
export const STEADY_MS = 10_000;
/** Processes finish what is in hand within 5 s of SIGTERM. */
export const STOP_MS = 7_000;

/** `ended` is the way it ended, in words: `status 70`, `SIGKILL`. */
export type Happening = { process: string } & (
  | { what: "ready"; status: string; millis: number }
  | { what: "ended"; ended: string; again_in_ms: number }
);

export type Supervised = {
  /** Of the running process; undefined between an end and the restart. */
  pid(): number | undefined;
  ready(): boolean;
  /** Settles when it says that it serves: now, or after its restart. */
  whenReady(): Promise<void>;
  /** SIGKILL, as a crash would; settles when it is gone. */
  kill9(): Promise<void>;
  stop(): Promise<void>;
};

/** Supervises one process that `start` makes. It is started again after at most `restartMsMax`. The clock is in milliseconds. */
export function supervise(
  name: string,
  start: () => ChildProcess,
  report: (happening: Happening) => void,
  restartMsMax = RESTART_MS_MAX,
  now: () => number = Date.now,
): Supervised {
  let child: ChildProcess;
  let running = false;
  let ready = false;
  let stopping = false;
  let pause = RESTART_MS_FIRST;
  let retry: NodeJS.Timeout | undefined;
  let waiting: (() => void)[] = [];

  open();

  function open(): void {
    const began = now();
    child = start();
    running = true;
    child.once("message", (message) => {
      ready = true;
      const status = String(Object(message)["status"] ?? "");
      report({ process: name, what: "ready", status, millis: now() - began });
      for (const settle of waiting.splice(0)) settle();
    });
    child.once("error", (error) => ended(began, error.message));
    child.once("exit", (code, signal) => ended(began, signal ?? `status ${code}`));
  }

  function ended(began: number, how: string): void {
    if (!running) return;
    running = false;
    ready = false;
    if (stopping) return;
    if (now() - began >= STEADY_MS) pause = RESTART_MS_FIRST;
    report({ process: name, what: "ended", ended: how, again_in_ms: pause });
    retry = setTimeout(open, pause);
    pause = Math.min(pause * 2, restartMsMax);
  }

  async function gone(signal: NodeJS.Signals): Promise<void> {
    if (!running) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  return {
    pid: () => (running ? child.pid : undefined),
    ready: () => ready,
    whenReady: () => (ready ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    kill9: () => gone("SIGKILL"),
    async stop() {
      stopping = true;
      clearTimeout(retry);
      waiting = [];
      const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await gone("SIGTERM");
      clearTimeout(impatience);
    },
  };
}
