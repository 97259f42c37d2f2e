/** Asks a machine that was started from the acceptance's image to run programs, as root, through its port. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

export type Ended = { status: number | string; out: string; err: string };

export type Inside = {
  /** Runs one program to its end. Throws after `timeoutMs`. */
  run(argv: readonly [string, ...string[]], options?: { input?: string; timeoutMs?: number }): Promise<Ended>;
  close(): void;
};

/** Under emulation a process takes seconds to start. */
const RUN_MS_MAX = 600_000;
const CONNECT_MS_MAX = 300_000;
const CONNECT_POLL_MS = 200;

/** Connects to the port. What is asked before the machine listens is answered when it does. */
export async function openInside(path: string): Promise<Inside> {
  const socket = await connected(path);
  const waiting = new Map<number, (ended: Ended) => void>();
  createInterface({ input: socket }).on("line", (line) => {
    const { id, ...ended } = JSON.parse(line) as Ended & { id: number };
    waiting.get(id)?.(ended);
    waiting.delete(id);
  });
  let last = 0;
  return {
    run(argv, { input, timeoutMs = RUN_MS_MAX } = {}) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new Error(`No answer in ${timeoutMs / 1_000} s to: ${argv.join(" ")}`));
        }, timeoutMs);
        waiting.set(id, (ended) => {
          clearTimeout(timer);
          resolve(ended);
        });
        socket.write(`${JSON.stringify({ id, argv, input })}\n`);
      });
    },
    close: () => socket.destroy(),
  };
}

/** A machine that has just been switched on makes its port within seconds. */
async function connected(path: string): Promise<Socket> {
  for (let waited = 0; ; waited += CONNECT_POLL_MS) {
    const socket = connect(path);
    const reached = await once(socket, "connect").catch(() => null);
    if (reached !== null) return socket;
    socket.destroy();
    if (waited > CONNECT_MS_MAX) throw new Error(`There is no port at ${path}.`);
    await pause(CONNECT_POLL_MS);
  }
}
