/**
 * The strings of a process of ours that was taken over. It runs inside the appliance, as that process's user, behind its filter and on its
 * edges; the test pulls the strings over a socket of their own and gets what the process got.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createConnection } from "node:net";
import { json } from "node:stream/consumers";
import { type ProcessName, socketPath } from "../../kernel/abi/edges.ts";
import { encodeFrame, FrameReader } from "../../kernel/abi/frames.ts";

/** How one request ended: an ending, a violation, or the error that kept it from being sent. */
export type Said = { end?: string; code?: string; value?: unknown; violation?: string; errno?: string };

export type Puppet = {
  /** Keeps what the process received. */
  hear(received: unknown): void;
  close(): void;
};

type Order = (body: Record<string, unknown>) => unknown;

/** Lets the test pull: `orders` by name, beside those that every process can be made to do. */
export async function openPuppet(run: string, name: ProcessName, orders: Record<string, Order>): Promise<Puppet> {
  const heard: string[] = [];
  const hear = (received: unknown) => void heard.push(JSON.stringify(received) ?? "");
  const all: Record<string, Order> = {
    heard: () => heard,
    opens: ({ path }) => opens(String(path)),
    async connects({ to }) {
      return connects(typeof to === "number" ? { host: "127.0.0.1", port: to } : { path: String(to) });
    },
    async say({ to, message, body }) {
      const said = await say(socketPath(run, to as ProcessName, name), String(message), body);
      hear(said);
      return said;
    },
    ...orders,
  };
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Record<string, unknown>;
    response.end(JSON.stringify((await all[String(request.url).slice(1)]?.(body)) ?? null));
  });
  server.listen(stringsPath(run, name));
  return { hear, close: () => server.close() };
}

/** Where the strings are, below a run directory. */
export function stringsPath(run: string, name: ProcessName): string {
  return `${run}/${name}/strings`;
}

/** One request on a connection of its own, as bytes: what keeps our own senders honest is not in between. */
function say(path: string, message: string, body: unknown): Promise<Said> {
  const socket = createConnection(path);
  const reader = new FrameReader();
  const { promise, resolve } = Promise.withResolvers<Said>();
  socket.once("connect", () => socket.write(encodeFrame({ id: 1, message, body })));
  socket.on("data", (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) {
      const { id: _, ...said } = frame as Said & { id: number };
      resolve(said);
    }
  });
  socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve({ errno: String(code) }));
  socket.once("close", () => resolve({ errno: "closed" }));
  return promise.finally(() => socket.destroy());
}

/** `open`, or the name of the error. */
function connects(to: { path: string } | { host: string; port: number }): Promise<string> {
  const socket = createConnection(to);
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once("connect", () => resolve("open"));
  socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
  return promise.finally(() => socket.destroy());
}

/** A file that is read or a folder that is listed: `open`, or the name of the error. */
function opens(path: string): string {
  try {
    if (statSync(path).isDirectory()) readdirSync(path);
    else readFileSync(path);
    return "open";
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
