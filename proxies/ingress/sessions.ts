/**
 * WebSockets at `/v1/answers`: who speaks is known by the header Authorization or by the first message, then answers go out and
 * acknowledgements come back.
 *
 * Threat: a stranger holds sockets open without saying who it is, sends what is no acknowledgement, large or endless messages, or
 * reads slowly so that answers pile up in memory.
 * Contract: nothing is sent before the key is known; it is known within `GREETING_MS`; a frontend has at most `SESSIONS_MAX` sockets, each
 * with at most `BUFFERED_BYTES_MAX` unread.
 * Failure: the socket is closed with a code (RFC 6455, 7.4.1) and a word of ours.
 */
import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket, WebSocketBehavior } from "uWebSockets.js";
import type { Static, TSchema } from "typebox";
import { refused } from "../../kernel/abi/ends.ts";
import { InexactJson, parseExact } from "../../kernel/abi/json.ts";
import { type Check, compile } from "../../kernel/process/schema.ts";
import type { Answer, Answers, Outlet } from "./answers.ts";
import { Greeting, Receipt } from "./api.ts";
import { bearerOf, type FindFrontend } from "./frontends.ts";
import { replyOf } from "./reply.ts";

/** A socket says within this who it is. */
export const GREETING_MS = 5000;
/** Sockets of one frontend. */
export const SESSIONS_MAX = 16;
/** One message of a frontend. */
export const MESSAGE_BYTES_MAX = 4096;
/** Unread answers on one socket. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;
const IDLE_SECONDS = 60;

const CLOSE = { wrong: 1008, busy: 1013 } as const;

type Session = { frontend: string | null; outlet: Outlet | null; greeting: NodeJS.Timeout | null };
type Socket = WebSocket<Session>;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const checkGreeting = compile(Greeting);
const checkReceipt = compile(Receipt);

export function answersSocket(findFrontend: FindFrontend, answers: Answers): WebSocketBehavior<Session> {
  return {
    maxPayloadLength: MESSAGE_BYTES_MAX,
    maxBackpressure: BUFFERED_BYTES_MAX,
    idleTimeout: IDLE_SECONDS,
    upgrade: (res, req, context) => upgrade(findFrontend, res, req, context),
    open(socket) {
      const session = socket.getUserData();
      if (session.frontend !== null) return admit(socket, session, session.frontend);
      session.greeting = setTimeout(() => socket.end(CLOSE.wrong, "Say who you are."), GREETING_MS);
    },
    message(socket, bytes) {
      const session = socket.getUserData();
      if (session.frontend === null) return greet(socket, session, bytes);
      const receipt = read(bytes, checkReceipt);
      if (receipt === null) return socket.end(CLOSE.wrong, "That is no acknowledgement.");
      answers.acknowledge(session.frontend, receipt.ack);
    },
    close(socket) {
      const { frontend, outlet, greeting } = socket.getUserData();
      if (greeting !== null) clearTimeout(greeting);
      if (frontend !== null && outlet !== null) answers.close(frontend, outlet);
    },
  };

  function greet(socket: Socket, session: Session, bytes: ArrayBuffer): void {
    if (session.greeting !== null) clearTimeout(session.greeting);
    const frontend = findFrontend(read(bytes, checkGreeting)?.api_key ?? "");
    if (frontend === null) {
      socket.end(CLOSE.wrong, "API_KEY_INVALID");
      return;
    }
    session.frontend = frontend;
    admit(socket, session, frontend);
  }

  function admit(socket: Socket, session: Session, frontend: string): void {
    if (answers.outlets(frontend) >= SESSIONS_MAX) {
      socket.end(CLOSE.busy, "This frontend has too many sockets.");
      return;
    }
    session.outlet = { send: (answer) => send(socket, answer) };
    answers.open(frontend, session.outlet);
  }
}

/** A wrong key is refused at once; no key may still come as the first message. */
function upgrade(find: FindFrontend, res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  const authorization = req.getHeader("authorization");
  const frontend = authorization === "" ? null : find(bearerOf(authorization) ?? "");
  if (authorization !== "" && frontend === null) {
    const { body } = replyOf(refused("API_KEY_INVALID"), 101);
    res.writeStatus("401 Unauthorized").writeHeader("WWW-Authenticate", "Bearer").end(JSON.stringify(body), true);
    return;
  }
  const session: Session = { frontend, outlet: null, greeting: null };
  const [key, protocol, extensions] = ["key", "protocol", "extensions"].map((name) =>
    req.getHeader(`sec-websocket-${name}`),
  );
  res.upgrade(session, key ?? "", protocol ?? "", extensions ?? "", context);
}

/** 1: sent, 0: buffered, 2: dropped, because the frontend does not read. */
function send(socket: Socket, { frontend: _, ...delivery }: Answer): boolean {
  return socket.send(JSON.stringify(delivery)) !== 2;
}

function read<S extends TSchema>(bytes: ArrayBuffer, check: Check<S>): Static<S> | null {
  try {
    const checked = check(parseExact(utf8.decode(bytes)));
    return checked.ok ? checked.value : null;
  } catch (error) {
    if (error instanceof InexactJson || error instanceof TypeError) return null;
    throw error;
  }
}
