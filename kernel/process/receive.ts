/**
 * The receiving half of one edge without its schemas: frames in, one of the three endings out. `listen.ts` compiles the
 * schemas of the edge for it; the jailer, which is root-equivalent and loads no dependency, brings checks of its own.
 *
 * Threat: the peer has been taken over and sends unknown messages, spare fields, oversized frames, or floods.
 * Contract: a handler only ever sees a message its check has passed; replies may come in any order.
 * Failure: a violation drops the connection and is logged by its place, never by its content; a handler that throws
 * is a defect of ours and ends the process (a crash is *later*, never *refused*).
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { IN_FLIGHT_MAX } from "../abi/bounds.ts";
import type { End } from "../abi/ends.ts";
import { encodeFrame, FrameReader, Violation } from "../abi/frames.ts";

/** One connection of a peer, as handlers see it. Handlers may hang state on it by WeakMap; `closed` settles at its end. */
export type Peer = { readonly closed: Promise<void> };

export type Handler = (body: unknown, peer: Peer) => End<unknown> | Promise<End<unknown>>;

/** Tells whether a body is the message, and if not, at which place. */
export type BodyCheck = (body: unknown) => { ok: true; value: unknown } | { ok: false; why: string };

/** Every message of the edge: what it looks like and who answers it. */
export type Receivers = ReadonlyMap<string, { check: BodyCheck; handle: Handler }>;

export type FaultLog = {
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
};

/** Listens on `path`. Its directory exists and carries the permissions; the socket takes its group. `edge` names it in the log. */
export async function receive(path: string, edge: string, receivers: Receivers, log: FaultLog): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, receivers, edge, log));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return server;
}

function serve(socket: Socket, receivers: Receivers, edge: string, log: FaultLog): void {
  const reader = new FrameReader();
  const peer: Peer = { closed: new Promise((resolve) => socket.once("close", () => resolve())) };
  let inFlight = 0;
  const answer = async (frame: unknown) => {
    const request = accept(frame, receivers);
    inFlight++;
    if (inFlight >= IN_FLIGHT_MAX) socket.pause();
    const end = await request.handle(request.body, peer);
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
      log.fatal({ edge, err: error }, "a handler failed");
      process.exit(70);
    }
    log.error({ edge, why: error.message }, "violation: connection dropped");
    socket.destroy();
  }
}

function accept(frame: unknown, receivers: Receivers): { id: number; handle: Handler; body: unknown } {
  const { id, message, body, ...spare } = Object(frame) as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || typeof message !== "string" || Object.keys(spare).length > 0) {
    throw new Violation("A frame is not a request.");
  }
  const receiver = receivers.get(message);
  if (receiver === undefined) throw new Violation("The message is not one of this edge.");
  const checked = receiver.check(body);
  if (!checked.ok) throw new Violation(`${message}: ${checked.why}`);
  return { id: id as number, handle: receiver.handle, body: checked.value };
}
