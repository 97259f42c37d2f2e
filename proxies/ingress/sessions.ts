/**
 * `WS /v1/answers`: a frontend that takes its answers as they come, and acknowledges each.
 *
 * Threat: somebody without a key holds connections open, or floods them with messages.
 * Contract: a session hears nothing before it has shown its API key (in the handshake, or in its first message, within KEY_MS); it then
 * gets its own frontend's answers; one counts as taken when its delivery id came back within ACK_MS.
 * Failure: a message that is not one of the two it may send closes the connection.
 */
import type { WebSocket, WebSocketBehavior } from "uWebSockets.js";
import { InexactJson, parseExact } from "../../kernel/abi/json.ts";
import type { Answer, Answers } from "./answers.ts";
import { bearerOf, type Frontends } from "./frontends.ts";

export const KEY_MS = 10_000;
export const ACK_MS = 10_000;
export const SESSIONS_MAX = 64;
const MESSAGE_BYTES_MAX = 1024;
const BACKPRESSURE_BYTES_MAX = 4 * 1024 * 1024;
const IDLE_SECONDS = 60;
/** RFC 6455 section 7.4.1, and 4401 from the private range for a missing key. */
const CLOSE = { policy: 1008, tryAgain: 1013, noKey: 4401 } as const;

type Session = {
  /** From the handshake; empty where the first message brings it. */
  apiKey: string;
  isKnown: boolean;
  leave: () => void;
  keyTimer: NodeJS.Timeout | undefined;
  waiting: Map<string, (acknowledged: boolean) => void>;
};

type Socket = WebSocket<Session>;

export function openSessions(frontends: Frontends, answers: Answers): WebSocketBehavior<Session> {
  let sessions = 0;

  function open(socket: Socket): void {
    sessions++;
    const session = socket.getUserData();
    if (sessions > SESSIONS_MAX) socket.end(CLOSE.tryAgain, "Too many sessions.");
    else if (session.apiKey !== "") enter(socket, session.apiKey);
    else session.keyTimer = setTimeout(() => socket.end(CLOSE.noKey, "No API key came."), KEY_MS);
  }

  function enter(socket: Socket, apiKey: string): void {
    const session = socket.getUserData();
    clearTimeout(session.keyTimer);
    const frontend = frontends.identify(apiKey);
    if (frontend.end !== "done") {
      socket.end(CLOSE.noKey, "The API key is unknown.");
      return;
    }
    session.isKnown = true;
    session.leave = answers.add({ frontend: frontend.value, task: null, take: (answer) => send(socket, answer) });
    socket.send(JSON.stringify({ frontend: frontend.value }));
  }

  function message(socket: Socket, bytes: ArrayBuffer): void {
    const { isKnown, waiting } = socket.getUserData();
    const said = read(bytes);
    const word = said?.[isKnown ? "ack" : "api_key"];
    if (typeof word !== "string") socket.end(CLOSE.policy, "Not a message.");
    else if (isKnown) waiting.get(word)?.(true);
    else enter(socket, word);
  }

  function close(socket: Socket): void {
    sessions--;
    const session = socket.getUserData();
    clearTimeout(session.keyTimer);
    session.leave();
    for (const settle of session.waiting.values()) settle(false);
  }

  return {
    maxPayloadLength: MESSAGE_BYTES_MAX,
    maxBackpressure: BACKPRESSURE_BYTES_MAX,
    idleTimeout: IDLE_SECONDS,
    upgrade(res, req, context) {
      const session: Session = {
        apiKey: bearerOf(req.getHeader("authorization")),
        isKnown: false,
        leave: () => {},
        keyTimer: undefined,
        waiting: new Map(),
      };
      const header = (name: string) => req.getHeader(`sec-websocket-${name}`);
      res.upgrade(session, header("key"), header("protocol"), header("extensions"), context);
    },
    open,
    message,
    close,
  };
}

/** Sends an answer and settles with whether it was acknowledged in time. */
async function send(socket: Socket, { frontend: _, ...answer }: Answer): Promise<boolean> {
  const { waiting } = socket.getUserData();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ACK_MS);
  waiting.set(answer.delivery, resolve);
  socket.send(JSON.stringify(answer));
  return promise.finally(() => {
    clearTimeout(timer);
    waiting.delete(answer.delivery);
  });
}

function read(bytes: ArrayBuffer): Record<string, unknown> | undefined {
  try {
    return Object(parseExact(Buffer.from(bytes).toString("utf8"))) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof InexactJson) return undefined;
    throw error;
  }
}
