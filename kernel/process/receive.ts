/**
 * The receiving half of one edge without its schemas: frames in, one of the three endings out. `listen.ts` compiles the
 * schemas of the edge for it; the jailer, which is root-equivalent and loads no dependency, brings checks of its own.
 *
 * Threat: the peer has been taken over and sends unknown messages, spare fields, oversized frames, or floods.
 * Contract: a handler only ever sees a message its check has passed; replies may come in any order. A peer that asks faster than
 * it reads the answers is not read from.
 * Failure: a violation drops the connection and is logged by its place, never by its content; a kin peer is told, so that it
 * exits. A handler that throws is a defect of ours and ends the process (a crash is *later*, never *refused*).
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { IN_FLIGHT_MAX } from "../abi/bounds.ts";
import type { Edge } from "../abi/edges.ts";
import type { End } from "../abi/ends.ts";
import { encodeFrame, FrameReader, Violation } from "../abi/frames.ts";
import { writeTogether } from "./write-together.ts";

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

/** Who speaks here, and what a violation of theirs means. */
type Ends = Pick<Edge, "from" | "to" | "trust">;

/** A peer that was told of its violation gets so long to read it. */
const FAREWELL_MS = 1000;
/** EX_SOFTWARE of sysexits(3). */
const EXIT_DEFECT = 70;

/** Listens on `path`. Its directory exists and carries the permissions; the socket takes its group. */
export async function receive(path: string, edge: Ends, receivers: Receivers, log: FaultLog): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, receivers, edge, log));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return server;
}

function serve(socket: Socket, receivers: Receivers, edge: Ends, log: FaultLog): void {
  const name = `${edge.from}->${edge.to}`;
  const reader = new FrameReader();
  const peer: Peer = { closed: new Promise((resolve) => socket.once("close", () => resolve())) };
  let inFlight = 0;
  socket.on("error", () => socket.destroy());
  socket.on("data", take);
  socket.on("drain", regulate);

  function take(chunk: Buffer): void {
    for (const request of acceptAll(chunk)) void answer(request).catch(fail);
  }

  function acceptAll(chunk: Buffer): Request[] {
    try {
      return reader.push(chunk).map((frame) => accept(frame, receivers));
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      drop(error.message);
      return [];
    }
  }

  async function answer(request: Request): Promise<void> {
    inFlight++;
    regulate();
    const end = await request.handle(request.body, peer);
    inFlight--;
    if (socket.writable) writeTogether(socket, encodeFrame({ id: request.id, ...end }));
    regulate();
  }

  function regulate(): void {
    if (inFlight >= IN_FLIGHT_MAX || socket.writableNeedDrain) socket.pause();
    else if (socket.isPaused()) socket.resume();
  }

  function drop(why: string): void {
    log.error({ edge: name, why }, "violation: connection dropped");
    socket.off("data", take);
    if (edge.trust === "stranger") return void socket.destroy();
    socket.end(encodeFrame({ violation: why }));
    socket.resume();
    const farewell = setTimeout(() => socket.destroy(), FAREWELL_MS);
    socket.once("close", () => clearTimeout(farewell));
  }

  function fail(error: unknown): never {
    log.fatal({ edge: name, err: error }, "a handler failed");
    process.exit(EXIT_DEFECT);
  }
}

type Request = { id: number; handle: Handler; body: unknown };

function accept(frame: unknown, receivers: Receivers): Request {
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
