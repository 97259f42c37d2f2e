/** A process of ours that was taken over: it says bytes of its own on its edge's real socket. */
import { once } from "node:events";
import { createConnection } from "node:net";
import { type Edge, socketPath } from "../../../kernel/abi/edges.ts";
import { FrameReader } from "../../../kernel/abi/frames.ts";

/** What came back: an ending, or that the receiver called it a violation and hung up. */
export type Heard = { end: string; code?: string; message?: string; value?: unknown } | { violation: string };

/** Sends one request whose body is `body`, byte for byte, on a connection of its own. */
export async function say(run: string, edge: Pick<Edge, "from" | "to">, message: string, body: string): Promise<Heard> {
  const socket = createConnection(socketPath(run, edge.to, edge.from));
  socket.on("error", () => socket.destroy());
  const reader = new FrameReader();
  const { promise, resolve } = Promise.withResolvers<Heard>();
  socket.on("data", (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) resolve(frame as Heard);
  });
  socket.once("close", () => resolve({ end: "closed" }));
  await once(socket, "connect");
  const payload = Buffer.from(`{"id":1,"message":"${message}","body":${body}}`);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  socket.write(Buffer.concat([header, payload]));
  const heard = await promise;
  if ("violation" in heard) await once(socket, "close");
  socket.destroy();
  return heard;
}

/** The code of a refusal, `violation`, or how it ended instead. */
export function verdictOf(heard: Heard): string {
  return "violation" in heard ? "violation" : (heard.code ?? heard.end);
}
