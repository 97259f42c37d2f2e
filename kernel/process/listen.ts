/** The receiving end of one edge, its messages checked against the schemas of `kernel/abi`. What it guards against: receive.ts. */
import type { Server } from "node:net";
import { type Edge, edgeBetween, socketPath } from "../abi/edges.ts";
import type { End } from "../abi/ends.ts";
import type { Messages, RequestOf, ValueOf } from "../abi/messages.ts";
import type { Log } from "./log.ts";
import { type BodyCheck, type Handler, type Peer, receive } from "./receive.ts";
import { compile } from "./schema.ts";

export type { Peer } from "./receive.ts";

export type Handlers<M extends Messages> = {
  [K in keyof M]: (body: RequestOf<M, K>, peer: Peer) => End<ValueOf<M, K>> | Promise<End<ValueOf<M, K>>>;
};

/** Listens on the edge's socket below `run`. The directory exists and carries the permissions; the socket takes its group. */
export async function listen<M extends Messages>(
  edge: Pick<Edge, "from" | "to">,
  messages: M,
  handlers: Handlers<M>,
  options: { run: string; log: Log },
): Promise<Server> {
  const receivers = new Map<string, { check: BodyCheck; handle: Handler }>();
  for (const [name, message] of Object.entries(messages)) {
    receivers.set(name, { check: compile(message.request), handle: handlers[name] as Handler });
  }
  return receive(socketPath(options.run, edge.to, edge.from), edgeBetween(edge.from, edge.to), receivers, options.log);
}
