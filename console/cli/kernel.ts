/** A signed-in conversation with the kernel. */
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { destination, pino } from "pino";
import { consoleToKernel } from "../../kernel/abi/console-messages.ts";
import { socketPath } from "../../kernel/abi/edges.ts";
import type { RequestOf, ValueOf } from "../../kernel/abi/messages.ts";
import { connect } from "../../kernel/process/connect.ts";
import { compile } from "../../kernel/process/schema.ts";
import { CommandEnd, doneValue, exits } from "./exits.ts";
import type { Places } from "./places.ts";

type Table = typeof consoleToKernel;

/** A kernel that stops between two looks is not waited for. */
const OPEN_MS = 5_000;

/** Asks the kernel; throws `CommandEnd` unless it is done. */
export type Ask = <K extends keyof Table & string>(message: K, body: RequestOf<Table, K>) => Promise<ValueOf<Table, K>>;

export type Session = { ask: Ask; close(): void };

/** Signs in as `person` with the secret the state directory keeps for them. A session does not outlive its connection. */
export async function openSession(places: Places, person: string): Promise<Session> {
  const edge = { from: "console", to: "kernel" } as const;
  await reach(socketPath(places.run, edge.to, edge.from), places);
  const secret = readSecret(places, "people", person);
  const log = pino({ name: "silo", level: "error" }, destination(2));
  const opened = Promise.withResolvers<void>();
  const gone = setTimeout(() => opened.reject(unreachable(undefined, places)), OPEN_MS);
  const client = connect(edge, consoleToKernel, { run: places.run, log, onConnect: opened.resolve });
  try {
    await opened.promise;
    doneValue(await client.request("sign_in", { person, secret }));
  } catch (error) {
    client.close();
    throw error;
  } finally {
    clearTimeout(gone);
  }
  return {
    ask: async (message, body) => doneValue(await client.request(message, checked(message, body))),
    close: client.close,
  };
}

/** A session for the length of `work`. */
export async function withKernel<T>(places: Places, person: string, work: (ask: Ask) => Promise<T>): Promise<T> {
  const { ask, close } = await openSession(places, person);
  try {
    return await work(ask);
  } finally {
    close();
  }
}

/** What a person typed is judged here, so that a slip of theirs is not a violation at the kernel. */
function checked<K extends keyof Table & string>(message: K, body: RequestOf<Table, K>): RequestOf<Table, K> {
  const verdict = compile(consoleToKernel[message].request)(body);
  if (!verdict.ok) throw new CommandEnd(exits.usage, `That is not a request the kernel takes: ${verdict.why}.`);
  return body;
}

/** Throws `CommandEnd` with what to do when nobody answers at `path`. */
async function reach(path: string, places: Places): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createConnection(path, resolve);
  socket.once("error", (error: NodeJS.ErrnoException) => reject(unreachable(error.code, places)));
  await promise.finally(() => socket.destroy());
}

function unreachable(code: string | undefined, places: Places): CommandEnd {
  if (code === "EACCES")
    return new CommandEnd(exits.later, `${places.name} is root's: run the same command with sudo.`);
  const started = places.name === "/" ? "It is starting or has stopped." : "Start it with: npm start";
  return new CommandEnd(exits.later, `SiloOS is not running here (${places.name}). ${started}`);
}

/** The secret of a person or a frontend, as the state directory keeps it for root. */
export function readSecret(places: Places, whose: "people" | "frontends", name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new CommandEnd(exits.usage, `'${name}' is not a name.`);
  try {
    return readFileSync(`${places.var}/console/${whose}/${name}`, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES")
      throw new CommandEnd(exits.later, `${places.name} is root's: run the same command with sudo.`);
    const file = whose === "people" ? "people.yaml" : "silo.yaml";
    throw new CommandEnd(exits.usage, `There is no secret of '${name}' in ${places.name}: is the name in ${file}?`);
  }
}
