/**
 * The sending end of one edge: one connection that comes back by itself, many requests in flight.
 *
 * A request that was never sent ends *later*. A request that was sent and whose connection broke ends *lost*: the
 * caller must say what that means (a read is later; an effect is unknown until it has been decided).
 *
 * A kin receiver that found a violation says so before it hangs up. This process then is broken or taken over: it exits.
 */
import { createConnection, type Socket } from "node:net";
import type { TSchema } from "typebox";
import { type Edge, socketPath } from "../abi/edges.ts";
import { done, type End, later, refused } from "../abi/ends.ts";
import { encodeFrame, FrameReader, Violation } from "../abi/frames.ts";
import type { Messages, RequestOf, ValueOf } from "../abi/messages.ts";
import { isRefusalCode } from "../abi/refusals.ts";
import type { Log } from "./log.ts";
import { type Check, compile } from "./schema.ts";
import { writeTogether } from "./write-together.ts";

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
/** A peer that has started again is found within so long: until then every request to it is *later*. */
const RECONNECT_MS_MAX = 100;
const WHY_CHARS_MAX = 200;
/** EX_SOFTWARE of sysexits(3). */
const EXIT_DEFECT = 70;

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
  const log = options.log.child({ edge: `${edge.from}->${edge.to}` });
  let candidate: Socket;
  let socket: Socket | undefined;
  let nextId = 1;
  let closed = false;
  let delay = RECONNECT_MS_FIRST;
  let retry: NodeJS.Timeout | undefined;

  open();

  function open(): void {
    const opening = createConnection(path);
    const reader = new FrameReader();
    candidate = opening;
    opening.once("connect", () => {
      socket = opening;
      delay = RECONNECT_MS_FIRST;
      options.onConnect?.();
    });
    opening.on("data", (chunk: Buffer) => receive(opening, reader, chunk));
    opening.on("error", () => opening.destroy());
    opening.once("close", afterLoss);
  }

  function receive(from: Socket, reader: FrameReader, chunk: Buffer): void {
    try {
      for (const frame of reader.push(chunk)) settle(frame);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      log.error({ why: error.message }, "violation: connection dropped");
      from.destroy();
    }
  }

  function afterLoss(): void {
    const wasOpen = socket !== undefined;
    socket = undefined;
    for (const [id, request] of [...waiting]) {
      waiting.delete(id);
      request.settle(lost);
    }
    if (wasOpen) options.onLost?.();
    if (closed) return;
    retry = setTimeout(open, delay);
    delay = Math.min(delay * 2, RECONNECT_MS_MAX);
  }

  function settle(frame: unknown): void {
    const { id, violation, ...end } = Object(frame) as { id: number; violation?: unknown } & End<unknown>;
    if (violation !== undefined) exitOnViolation(violation);
    const request = waiting.get(id);
    if (request === undefined) return; // answered after its time-out
    const checked = checkEnd(end, checks.get(request.message) as Check<TSchema>);
    waiting.delete(id);
    request.settle(checked);
  }

  function exitOnViolation(violation: unknown): never {
    log.fatal({ why: String(violation).slice(0, WHY_CHARS_MAX) }, "violation: this process sent it");
    process.exit(EXIT_DEFECT);
  }

  return {
    request(message, body, timeoutMs) {
      const target = socket;
      if (target === undefined) return Promise.resolve(later(`${edge.to} is not reachable.`));
      const id = nextId++;
      const frame = encodeFrame({ id, message, body });
      return new Promise((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(() => expire(id), timeoutMs);
        const settleOnce = (end: End<unknown> | Lost) => {
          clearTimeout(timer);
          resolve(end as never);
        };
        waiting.set(id, { message, settle: settleOnce });
        writeTogether(target, frame);
      });
    },
    get connected() {
      return socket !== undefined;
    },
    close() {
      closed = true;
      clearTimeout(retry);
      candidate.destroy();
    },
  };

  function expire(id: number): void {
    const request = waiting.get(id);
    waiting.delete(id);
    request?.settle(lost);
  }
}

function checkEnd(answer: End<unknown>, check: Check<TSchema>): End<unknown> {
  const { end, value, code, message, ...spare } = answer as { [name: string]: unknown };
  if (Object.keys(spare).length > 0) throw new Violation("The answer has a spare field.");
  if (end === "done" && code === undefined && message === undefined) return done(checkValue(value, check));
  if (typeof message === "string" && value === undefined) {
    if (end === "later" && code === undefined) return later(message);
    if (end === "refused" && typeof code === "string" && isRefusalCode(code)) return refused(code, message);
  }
  throw new Violation("The answer is none of the three endings.");
}

function checkValue(value: unknown, check: Check<TSchema>): unknown {
  const checked = check(value);
  if (!checked.ok) throw new Violation(`The answer: ${checked.why}`);
  return checked.value;
}
