/** Answers over the WebSocket `/v1/answers`. */
import { once } from "node:events";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import { ACKNOWLEDGE_MS } from "../../../proxies/ingress/answers.ts";
import { GREETING_MS, MESSAGE_BYTES_MAX, SESSIONS_MAX } from "../../../proxies/ingress/sessions.ts";
import { answerOf, ask, ended, KEYS, openWorld, TASK, type World } from "./world.ts";

let world: World;
const sockets: WebSocket[] = [];
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await world.close();
});

type Frontend = { socket: WebSocket; heard: Record<string, unknown>[]; closed: Promise<number> };

function openSocket(key: string | null): Frontend {
  const url = `${world.url.replace("http", "ws")}/v1/answers`;
  const socket = new WebSocket(url, key === null ? {} : { headers: { Authorization: `Bearer ${key}` } });
  sockets.push(socket);
  const heard: Frontend["heard"] = [];
  socket.addEventListener("message", ({ data }) => heard.push(JSON.parse(String(data))));
  const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  return { socket, heard, closed };
}

async function frontend(key: string | null = KEYS.shop): Promise<Frontend> {
  const opened = openSocket(key);
  await once(opened.socket, "open");
  return opened;
}

const deliver = (changes = {}) => world.toIngress.request("answer", answerOf(changes));
const acknowledge = ({ socket }: Frontend, delivery = answerOf().delivery) =>
  socket.send(JSON.stringify({ ack: delivery }));

describe("an answer", () => {
  test("is sent with its delivery id, and its receipt goes back only once it is acknowledged", async () => {
    const shop = await frontend();
    let isReceived = false;
    const receipt = deliver().finally(() => {
      isReceived = true;
    });
    await expect.poll(() => shop.heard.length).toBe(1);
    const { frontend: _, ...delivery } = answerOf();
    expect(shop.heard).toEqual([delivery]);
    await sleep(50);
    expect(isReceived).toBe(false);
    acknowledge(shop);
    expect(await receipt).toEqual(done({}));
  });

  test("is later when no frontend is there", async () => {
    expect(await deliver()).toMatchObject({ end: "later" });
  });

  test(`is later when it is not acknowledged within ${ACKNOWLEDGE_MS} ms, and comes again under the same id`, async () => {
    const shop = await frontend();
    expect(await deliver()).toMatchObject({ end: "later" });
    const again = deliver();
    await expect.poll(() => shop.heard.length).toBe(2);
    expect(shop.heard[1]).toEqual(shop.heard[0]);
    acknowledge(shop);
    expect(await again).toEqual(done({}));
  });

  test("is later at once when the frontend goes without acknowledging it", async () => {
    const shop = await frontend();
    const receipt = deliver();
    await expect.poll(() => shop.heard.length).toBe(1);
    shop.socket.close();
    expect(await receipt).toMatchObject({ end: "later" });
  });

  test("goes to its own frontend and no other, and no other can acknowledge it", async () => {
    const [shop, bank] = [await frontend(), await frontend(KEYS.bank)];
    let isReceived = false;
    const receipt = deliver().finally(() => {
      isReceived = true;
    });
    await expect.poll(() => shop.heard.length).toBe(1);
    acknowledge(bank);
    await sleep(50);
    expect(isReceived).toBe(false);
    expect(bank.heard).toEqual([]);
    acknowledge(shop);
    expect(await receipt).toEqual(done({}));
  });

  test("goes to one socket of several, in turn", async () => {
    const both = [await frontend(), await frontend()];
    for (const id of [1, 2]) void deliver({ delivery: `dlvr_000000000000000${id}` });
    await expect.poll(() => both.map(({ heard }) => heard.length)).toEqual([1, 1]);
  });

  test("that waits for its receipt is handed to a request that asks for it", async () => {
    const shop = await frontend();
    world.kernel.state = () => done(ended());
    const receipt = deliver();
    await expect.poll(() => shop.heard.length).toBe(1);
    expect(await ask(world, "GET", `/v1/tasks/${TASK}`)).toMatchObject({ body: { answer: { text: answerOf().text } } });
    expect(await receipt).toEqual(done({}));
  });
});

describe("a socket", () => {
  test("may say who it is in its first message", async () => {
    const shop = await frontend(null);
    shop.socket.send(JSON.stringify({ api_key: KEYS.shop }));
    await sleep(50);
    const receipt = deliver();
    await expect.poll(() => shop.heard.length).toBe(1);
    acknowledge(shop);
    expect(await receipt).toEqual(done({}));
  });

  test("hears nothing before it has said who it is", async () => {
    const nobody = await frontend(null);
    expect(await deliver()).toMatchObject({ end: "later" });
    expect(nobody.heard).toEqual([]);
  });

  test(`that does not say who it is within ${GREETING_MS} ms is closed`, async () => {
    const nobody = await frontend(null);
    const started = performance.now();
    expect(await nobody.closed).toBe(1008);
    expect(performance.now() - started).toBeGreaterThan(GREETING_MS - 200);
  });

  test("with a wrong key is refused at the handshake, and with a wrong first message at that", async () => {
    expect(await openSocket("nobody").closed).toBe(1006);
    for (const first of [
      '{"api_key":"nobody"}',
      '{"ack":"dlvr_0000000000000001"}',
      "{",
      '{"api_key":"shop-key","api_key":"shop-key"}',
    ]) {
      const nobody = await frontend(null);
      nobody.socket.send(first);
      expect(await nobody.closed).toBe(1008);
    }
  });

  test.each<[string, string | Uint8Array]>([
    ["no JSON", "hello"],
    ["another message", '{"submit":{}}'],
    ["a spare member", '{"ack":"dlvr_0000000000000001","spare":1}'],
    ["an id of another form", '{"ack":"../.."}'],
    ["broken UTF-8", new Uint8Array([0xff, 0xfe])],
  ])("that sends %s instead of an acknowledgement is closed", async (_, message) => {
    const shop = await frontend();
    shop.socket.send(message);
    expect(await shop.closed).toBe(1008);
  });

  test(`may send ${MESSAGE_BYTES_MAX} bytes in one message and is closed for one more`, async () => {
    const shop = await frontend();
    const ack = JSON.stringify({ ack: answerOf().delivery });
    shop.socket.send(ack + " ".repeat(MESSAGE_BYTES_MAX - ack.length));
    await sleep(50);
    expect(shop.socket.readyState).toBe(WebSocket.OPEN);
    shop.socket.send(ack + " ".repeat(MESSAGE_BYTES_MAX - ack.length + 1));
    expect(await shop.closed).toBe(1006);
  });

  test(`is one of at most ${SESSIONS_MAX} of its frontend; another frontend still gets in`, async () => {
    const open = await Promise.all(Array.from({ length: SESSIONS_MAX }, () => frontend()));
    const spare = await frontend();
    expect(await spare.closed).toBe(1013);
    expect(open.every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
    const bank = await frontend(KEYS.bank);
    await sleep(30);
    expect(bank.socket.readyState).toBe(WebSocket.OPEN);
  });

  test("that reads nothing is not written to without end: its answers are later", async () => {
    const socket = createConnection(world.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(
      `GET /v1/answers HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer ${KEYS.shop}\r\n\r\n`,
    );
    await once(socket, "data");
    socket.pause();
    const text = "x".repeat(300_000);
    const ends = Array.from({ length: 100 }, (_, at) =>
      deliver({ delivery: `dlvr_${String(at).padStart(16, "0")}`, text }).then((end) => end.end),
    );
    expect(await Promise.race(ends)).toBe("later");
    socket.destroy();
    expect(new Set(await Promise.all(ends))).toEqual(new Set(["later"]));
  });
});
