/** What a sender hears that is answered before it has finished. Over TCP, where hanging up early resets the connection. */

import type { TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DISCARDED_BYTES_MAX, PAUSE_MS } from "../../../kernel/process/body.ts";
import { type Exchange, loadHttp, openExchange } from "../../../kernel/process/http.ts";

const BODY_BYTES_MAX = 64 * 1024;
const BODY_MS = 2000;
const BLOCK = 64 * 1024;

let app: TemplatedApp;
let listening: us_listen_socket | false = false;
let port: number;
let answer: (exchange: Exchange) => Promise<void>;
let socket: Socket;
let heard: string;

beforeEach(async () => {
  const http = await loadHttp(16 * 1024);
  app = http.App();
  app.any("/*", (res, req) => {
    void answer(openExchange(res, req, { bodyBytesMax: BODY_BYTES_MAX, bodyMs: BODY_MS }));
  });
  app.listen("127.0.0.1", 0, (opened) => {
    listening = opened;
  });
  if (listening === false) throw new Error("No port is free.");
  port = http.us_socket_local_port(listening);
  heard = "";
  socket = createConnection(port, "127.0.0.1");
  socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
});
afterEach(() => {
  socket.destroy();
  app.close();
});

async function refuseBody(exchange: Exchange): Promise<void> {
  const body = await exchange.body();
  exchange.answer(413, { end: body.end });
}
async function refuseAtOnce(exchange: Exchange): Promise<void> {
  exchange.answer(401, { end: "refused" });
}

/** Sends `bytes` as fast as they are taken, and reads nothing before all are sent. */
async function send(bytes: number): Promise<void> {
  socket.pause();
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += BLOCK)
    if (!socket.write(Buffer.alloc(Math.min(BLOCK, bytes - sent), " ")))
      await Promise.race([once(socket, "drain"), once(socket, "close")]);
  socket.resume();
}

const declared = (bytes: number) => `POST / HTTP/1.1\r\nHost: silo\r\nContent-Length: ${bytes}\r\n\r\n`;
const REFUSED = '{"end":"refused"}';

describe.each([
  ["whose body is too large", refuseBody, "413"],
  ["whose body nobody reads", refuseAtOnce, "401"],
] as const)("a sender %s", (_, refuse, status) => {
  beforeEach(() => {
    answer = refuse;
  });

  test("of 10 MB has its answer when it has sent them, and its connection stays", async () => {
    socket.write(declared(10_000_000));
    await send(10_000_000);
    await expect.poll(() => heard).toMatch(new RegExp(`^HTTP/1.1 ${status} .*${REFUSED}$`, "s"));
    expect(socket.closed).toBe(false);
    expect(heard).not.toContain("Connection: close");
  });

  test("that pauses has its answer then, and is hung up on", async () => {
    const begun = performance.now();
    socket.write(declared(10_000_000));
    await send(BODY_BYTES_MAX + 1);
    await once(socket, "close");
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} .*Connection: close.*${REFUSED}$`, "s"));
    const millis = performance.now() - begun;
    expect(millis).toBeGreaterThanOrEqual(PAUSE_MS - 10);
    expect(millis).toBeLessThan(BODY_MS);
  });

  test("that drips is hung up on when its body is due", async () => {
    socket.write(declared(10_000_000));
    const drip = setInterval(() => socket.write("x"), PAUSE_MS / 5);
    const begun = performance.now();
    await once(socket, "close");
    clearInterval(drip);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(BODY_MS - 10);
    expect(heard).toContain(REFUSED);
  });
});

test(`${DISCARDED_BYTES_MAX} bytes over are thrown away, one more ends the connection`, async () => {
  answer = refuseBody;
  const most = BODY_BYTES_MAX + DISCARDED_BYTES_MAX;
  socket.write(declared(most));
  await send(most);
  await expect.poll(() => heard).toContain(REFUSED);
  expect(socket.closed).toBe(false);
  heard = "";
  socket.write(declared(most + 2));
  await send(most + 1);
  await once(socket, "close");
  expect(heard).toMatch(/Connection: close/);
});

test("one that leaves before it has finished is answered by nobody", async () => {
  const answered = Promise.withResolvers<boolean>();
  answer = async (exchange) => {
    await exchange.body();
    answered.resolve(exchange.answer(413, {}));
    await exchange.over;
  };
  socket.write(declared(10_000_000));
  await send(BODY_BYTES_MAX + 1);
  expect(await answered.promise).toBe(true);
  socket.destroy();
  socket = createConnection(port, "127.0.0.1");
  socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
  answer = refuseAtOnce;
  socket.write("GET / HTTP/1.1\r\nHost: silo\r\n\r\n");
  await expect.poll(() => heard).toContain(REFUSED);
});
