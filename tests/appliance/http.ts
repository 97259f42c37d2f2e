/** A frontend's HTTP, well and badly spoken. */

import { once } from "node:events";
import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { createConnection } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { FrontendName, TestAppliance } from "./world.ts";

export type Reply = { status: number; body: Record<string, unknown> };

export type Sent = {
  method?: string;
  path?: string;
  /** undefined: left out. */
  headers?: Record<string, string | string[] | undefined>;
  body?: string | Buffer;
};

/** Node's own client. Rejects when the connection ends before the answer is there. */
export function send(port: number, { method = "POST", path = "/v1/tasks", headers = {}, body }: Sent): Promise<Reply> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const request = httpRequest({
    port,
    method,
    path,
    agent: false,
    headers: Object.fromEntries(given) as OutgoingHttpHeaders,
  });
  request.once("error", reject);
  request.once("response", (response) => {
    json(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read as Reply["body"] }), reject);
  });
  request.end(body);
  return promise;
}

/** How curl sends a large body: it waits a second for leave, and then sends while it reads. Returns all that was heard. */
export async function sendLikeCurl(port: number, head: readonly string[], body: Buffer): Promise<string> {
  const socket = createConnection(port, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<void>();
  let heard = "";
  socket.on("data", (chunk) => {
    heard += chunk.toString("latin1");
    if (heard.includes('"}')) resolve();
  });
  socket.on("error", () => socket.destroy());
  socket.once("close", () => resolve());
  socket.write([...head, `Content-Length: ${body.length}`, "Expect: 100-continue", "", ""].join("\r\n"));
  await Promise.race([once(socket, "data"), pause(1000)]);
  socket.write(body);
  await promise;
  socket.destroy();
  return heard;
}

export type Submission = { kind: string; [member: string]: unknown };

/** One frontend of a running appliance. */
export function openClient({ port, key }: TestAppliance, frontend: FrontendName) {
  const headers = { authorization: `Bearer ${key(frontend)}` };
  return {
    headers,
    post: (submission: Submission, idempotency: string) =>
      send(port, {
        headers: { ...headers, "idempotency-key": idempotency },
        body: JSON.stringify(submission),
      }),
    get: (task: string) => send(port, { method: "GET", path: `/v1/tasks/${task}`, headers }),
  };
}
export type Client = ReturnType<typeof openClient>;
