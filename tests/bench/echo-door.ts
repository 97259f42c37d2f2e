/**
 * The floor of a call: a uWebSockets.js server on a cell's socket that speaks the door's protocol and answers every
 * call at once, so that the same agent in the same cell measures both.
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
  app.post("/v1/call", (res) => withBody(res, () => answer(res, { end: "done", value: { value: "1" } })));
  app.post("/v1/complete", (res) =>
    withBody(res, (body) => {
      answer(res, { end: "done", value: {} });
      completed.resolve((JSON.parse(body) as { fields: Record<string, unknown> }).fields);
    }),
  );
  app.listen_unix((socket) => {
    if (socket === false) throw new Error(`${path} cannot be opened.`);
  }, path);
  chmodSync(path, 0o666);
  return { firstFrame: first.promise, completed: completed.promise, close: () => app.close() };
}

function answer(res: HttpResponse, body: object): void {
  res.cork(() => res.writeHeader("Content-Type", "application/json").end(JSON.stringify(body)));
}

function withBody(res: HttpResponse, then: (body: string) => void): void {
  let body = "";
  res.onAborted(() => {});
  res.onData((chunk, isLast) => {
    body += Buffer.from(chunk).toString();
    if (isLast) then(body);
  });
}
