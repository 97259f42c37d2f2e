/**
 * The floor of a call: a uWebSockets.js server on a cell's socket that parses the same JSON as the door and answers with the same bytes,
 * at once, so that the same agent in the same cell measures both.
 */

import type { HttpResponse } from "uWebSockets.js";
import { App } from "uWebSockets.js";
import { chmodSync, rmSync } from "node:fs";

export type EchoDoor = {
  /** Settles with the time (performance.now) at which the first frame of the cell arrived. */
  firstFrame: Promise<number>;
  /** Settles with the fields the agent completed with. */
  completed: Promise<Record<string, unknown>>;
  close(): void;
};

/** As `kv:get` answers for a key that holds nothing. */
const ANSWER = { end: "done", value: null };

/** Listens at `path`; binds the first cell that waits to `document`. */
export function openEchoDoor(path: string, document: object): EchoDoor {
  rmSync(path, { force: true });
  const first = Promise.withResolvers<number>();
  const completed = Promise.withResolvers<Record<string, unknown>>();
  const app = App();
  app.get("/v1/probe", (res) => {
    first.resolve(performance.now());
    answer(res, { slot: 0 });
  });
  app.post("/v1/wait", (res) =>
    withBody(res, () => answer(res, { task: document, base_key: "echo".repeat(200), task_key: "echo".repeat(200) })),
  );
  app.post("/v1/call", (res) => withBody(res, () => answer(res, ANSWER)));
  app.post("/v1/complete", (res) =>
    withBody(res, (body) => {
      answer(res, { end: "done", value: {} });
      completed.resolve(body["fields"] as Record<string, unknown>);
    }),
  );
  app.listen_unix((socket) => {
    if (socket === false) throw new Error(`${path} cannot be opened.`);
  }, path);
  chmodSync(path, 0o666);
  return { firstFrame: first.promise, completed: completed.promise, close: () => app.close() };
}

function answer(res: HttpResponse, body: object): void {
  res.cork(() => {
    res.writeStatus("200 OK").writeHeader("Content-Type", "application/json").writeHeader("Cache-Control", "no-store");
    res.end(JSON.stringify(body));
  });
}

function withBody(res: HttpResponse, then: (body: Record<string, unknown>) => void): void {
  let body = "";
  res.onAborted(() => {});
  res.onData((chunk, isLast) => {
    body += Buffer.from(chunk).toString();
    if (isLast) then(JSON.parse(body) as Record<string, unknown>);
  });
}
