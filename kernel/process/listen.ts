/**
 * The receiving end of one edge: a unix socket, frames in, one of the three endings out.
 *
 * Threat: the peer has been taken over and sends unknown messages, spare fields, oversized frames, or floods.
 * Contract: a handler only ever sees a message of this edge that matches its schema; replies may come in any order.
 * Failure: a violation drops the connection and is logged by its place, never by its content; a handler that throws
 * is a defect of ours and ends the process (a crash is *later*, never *refused*).
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { TSchema } from "typebox";
import { IN_FLIGHT_MAX } from "../abi/bounds.ts";
import { type Edge, socketPath } from "../abi/edges.ts";
import type { End } from "../abi/ends.ts";
import { encodeFrame, FrameReader, Violation } from "../abi/frames.ts";
import type { Messages, RequestOf, ValueOf } from "../abi/messages.ts";
import type { Log } from "./log.ts";
import { type Check, compile } from "./schema.ts";

/** One connection of a peer, as handlers see it. Handlers may hang state on it by WeakMap; `closed` settles at its end. */
export type Peer = { readonly closed: Promise<void> };

export type Handlers<M extends Messages> = {
  [K in keyof M]: (body: RequestOf<M, K>, peer: Peer) => End<ValueOf<M, K>> | Promise<End<ValueOf<M, K>>>;
};

type AnyHandler = (body: unknown, peer: Peer) => End<unknown> | Promise<End<unknown>>;

/** Listens on the edge's socket below `run`. The directory exists and carries the permissions; the socket takes its group. */
export async function listen<M extends Messages>(
  edge: Pick<Edge, "from" | "to">,
  messages: M,
  handlers: Handlers<M>,
  options: { run: string; log: Log },
): Promise<Server> {
  const path = socketPath(options.run, edge.to, edge.from);
  rmSync(path, { force: true });
  const checks = new Map<string, Check<TSchema>>();
  for (const [name, message] of Object.entries(messages)) checks.set(name, compile(message.request));
  const server = createServer((socket) =>
    serve(socket, checks, handlers as Record<string, AnyHandler>, edge, options.log),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return server;
}

function serve(
  socket: Socket,
  checks: Map<string, Check<TSchema>>,
  handlers: Record<string, AnyHandler>,
  edge: Pick<Edge, "from" | "to">,
  log: Log,
): void {
  const reader = new FrameReader();
  const peer: Peer = { closed: new Promise((resolve) => socket.once("close", () => resolve())) };
  let inFlight = 0;
  const answer = async (frame: unknown) => {
    const request = accept(frame, checks);
    inFlight++;
    if (inFlight >= IN_FLIGHT_MAX) socket.pause();
    const handler = handlers[request.message] as AnyHandler;
    const end = await handler(request.body, peer);
    inFlight--;
    if (inFlight < IN_FLIGHT_MAX) socket.resume();
    if (socket.writable) socket.write(encodeFrame({ id: request.id, ...end }));
  };
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) void answer(frame).catch((error: unknown) => drop(error));
    } catch (error) {
      drop(error);
    }
  });
  function drop(error: unknown): void {
    if (!(error instanceof Violation)) {
      log.fatal({ edge: `${edge.from}->${edge.to}`, err: error }, "a handler failed");
      process.exit(70);
    }
    log.error({ edge: `${edge.from}->${edge.to}`, why: error.message }, "violation: connection dropped");
    socket.destroy();
  }
}

function accept(frame: unknown, checks: Map<string, Check<TSchema>>): { id: number; message: string; body: unknown } {
  const { id, message, body, ...spare } = Object(frame) as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || typeof message !== "string" || Object.keys(spare).length > 0) {
    throw new Violation("A frame is not a request.");
  }
  const check = checks.get(message);
  if (check === undefined) throw new Violation("The message is not one of this edge.");
  const checked = check(body);
  if (!checked.ok) throw new Violation(`${message}: ${checked.why}`);
  return { id: id as number, message, body: checked.value };
}
