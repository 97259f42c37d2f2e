/**
 * The sending end of one edge: one connection that comes back by itself, many requests in flight.
 *
 * A request that was never sent ends *later*. A request that was sent and whose connection broke ends *lost*: the
 * caller must say what that means (a read is later; an effect is unknown until it has been decided).
 */
import { createConnection, type Socket } from "node:net";
import type { TSchema } from "typebox";
import { type Edge, socketPath } from "../abi/edges.ts";
import { type End, later } from "../abi/ends.ts";
import { encodeFrame, FrameReader, Violation } from "../abi/frames.ts";
import type { Messages, RequestOf, ValueOf } from "../abi/messages.ts";
import { isRefusalCode } from "../abi/refusals.ts";
import type { Log } from "./log.ts";
import { type Check, compile } from "./schema.ts";

export type Lost = { end: "lost" };
export const lost: Lost = { end: "lost" };

export type Client<M extends Messages> = {
  /** Sends `message`; settles with its ending. `timeoutMs` turns silence into *lost*. */
  request<K extends keyof M & string>(
    message: K,
    body: RequestOf<M, K>,
    timeoutMs?: number,
  ): Promise<End<ValueOf<M, K>> | Lost>;
  readonly connected: boolean;
  close(): void;
};

const RECONNECT_MS_FIRST = 20;
const RECONNECT_MS_MAX = 1000;

type Waiting = { message: string; settle: (end: End<unknown> | Lost) => void };

/**
 * Connects to the edge's socket and keeps connected. `onConnect` runs after every (re)connection, `onLost` after every loss.
 * A violation of the peer drops the connection and is logged.
 */
export function connect<M extends Messages>(
  edge: Pick<Edge, "from" | "to">,
  messages: M,
  options: { run: string; log: Log; onConnect?: () => void; onLost?: () => void },
): Client<M> {
  const path = socketPath(options.run, edge.to, edge.from);
  const checks = new Map<string, Check<TSchema>>();
  for (const [name, message] of Object.entries(messages)) checks.set(name, compile(message.value));
  const waiting = new Map<number, Waiting>();
  let socket: Socket | undefined;
  let nextId = 1;
  let closed = false;
  let delay = RECONNECT_MS_FIRST;
  let retry: NodeJS.Timeout | undefined;

  open();

  function open(): void {
    const candidate = createConnection(path);
    const reader = new FrameReader();
    candidate.once("connect", () => {
      socket = candidate;
      delay = RECONNECT_MS_FIRST;
      options.onConnect?.();
    });
    candidate.on("data", (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) settle(frame);
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        options.log.error({ edge: `${edge.from}->${edge.to}`, why: error.message }, "violation: connection dropped");
        candidate.destroy();
      }
    });
    candidate.on("error", () => candidate.destroy());
    candidate.once("close", () => {
      const wasOpen = socket === candidate;
      if (wasOpen) socket = undefined;
      for (const [id, request] of [...waiting]) {
        waiting.delete(id);
        request.settle(lost);
      }
      if (wasOpen) options.onLost?.();
      if (closed) return;
      retry = setTimeout(open, delay);
      delay = Math.min(delay * 2, RECONNECT_MS_MAX);
    });
  }

  function settle(frame: unknown): void {
    const { id, ...end } = Object(frame) as { id: number } & End<unknown>;
    const request = waiting.get(id);
    if (request === undefined) return; // answered after its time-out
    const checked = checkEnd(end, checks.get(request.message) as Check<TSchema>);
    waiting.delete(id);
    request.settle(checked);
  }

  return {
    request(message, body, timeoutMs) {
      const target = socket;
      if (target === undefined) return Promise.resolve(later(`${edge.to} is not reachable.`));
      const id = nextId++;
      return new Promise((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(() => expire(id), timeoutMs);
        const settleOnce = (end: End<unknown> | Lost) => {
          clearTimeout(timer);
          resolve(end as never);
        };
        waiting.set(id, { message, settle: settleOnce });
        target.write(encodeFrame({ id, message, body }));
      });
    },
    get connected() {
      return socket !== undefined;
    },
    close() {
      closed = true;
      clearTimeout(retry);
      socket?.destroy();
    },
  };

  function expire(id: number): void {
    const request = waiting.get(id);
    waiting.delete(id);
    request?.settle(lost);
  }
}

function checkEnd(end: End<unknown>, check: Check<TSchema>): End<unknown> {
  if (end.end === "done") {
    const checked = check(end.value);
    if (!checked.ok) throw new Violation(`The answer: ${checked.why}`);
    return end;
  }
  if (end.end === "later" && typeof end.message === "string") return end;
  if (end.end === "refused" && typeof end.message === "string" && isRefusalCode(end.code)) return end;
  throw new Violation("The answer is none of the three endings.");
}
