/** The door's side of a cell's socket, for tests of the cell's side: plain HTTP, each request recorded. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { TaskDocument } from "../../kernel/abi/messages.ts";

type Answer = { status: number; body: unknown };
type Heard = { path: string; headers: IncomingMessage["headers"]; body: Record<string, unknown> };
export type Membrane = {
  heard: Heard[];
  of(path: string): Heard[];
  until(path: string): Promise<Heard>;
  close(): Promise<void>;
};

/** Answers a call; what it leaves out ends done with an empty value. */
export type Calls = (body: Record<string, unknown>, nth: number) => Answer | undefined;

export const document = (over: Partial<TaskDocument> = {}): TaskDocument => ({
  task: "task_0000000000000001",
  case: "case_0000000000000001",
  kind: "refund",
  role: "refund-agent",
  customer: "tok_00000001",
  fields: {},
  text: "",
  mode: "live",
  now: 1_750_000_000_000,
  first_step: 1,
  history: [],
  click: null,
  ...over,
});

/** Shaped like a key and signed by nobody. */
const key = (claims: object) =>
  `${[{ alg: "ES256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.c2lnbmVk`;
const keys = { base_key: key({ role: "refund-agent" }), task_key: key({ exp: 1_750_000_120 }) };

const done = (value: unknown): Answer => ({ status: 200, body: { end: "done", value } });

/** Listens as `cells/SLOT/membrane` below `run`. With `task` null a waiting cell waits on. */
export async function openMembrane(
  run: string,
  slot: number,
  task: TaskDocument | null,
  calls: Calls = () => undefined,
): Promise<Membrane> {
  const path = join(run, `cells/${slot}/membrane`);
  rmSync(path, { force: true });
  const heard: Heard[] = [];
  const listeners: { path: string; resolve: (heard: Heard) => void }[] = [];
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, 0o666);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const one: Heard = { path: request.url ?? "", headers: request.headers, body };
    const nth = heard.push(one) - 1;
    for (const { resolve } of listeners.filter((listener) => listener.path === one.path)) resolve(one);
    if (one.path === "/v1/wait" && task === null) return;
    const given = reply(one, nth);
    response.writeHead(given.status, { "Content-Type": "application/json" }).end(JSON.stringify(given.body));
  }
  function reply({ path, body }: Heard, nth: number): Answer {
    if (path === "/v1/probe") return { status: 200, body: { slot } };
    if (path === "/v1/wait") return { status: 200, body: { task, ...keys } };
    return (path === "/v1/call" ? calls(body, nth) : undefined) ?? done({});
  }
  return {
    heard,
    of: (path) => heard.filter((one) => one.path === path),
    until: (path) => new Promise((resolve) => listeners.push({ path, resolve })),
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
}
