/** What a cell can do with bytes instead of requests: every way to make the door read something else, for ever, or too much. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CALL_BYTES_MAX, KEY_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import { done, type End } from "../../../kernel/abi/ends.ts";
import { PAUSE_MS } from "../../../kernel/process/body.ts";
import { BODY_MS, CONNECTIONS_MAX, IN_FLIGHT_MAX } from "../../../proxies/door/slot.ts";
import { ask, membrane, openWorld, raw, type World } from "./world.ts";

let world: World;
let headers: Record<string, string>;
const sockets: Socket[] = [];

beforeEach(async () => {
  world = await openWorld();
  headers = await world.bound();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.close();
});

const body = '{"step":1,"capability":"order:list","arguments":{}}';

function request(lines: readonly string[], sent = body): string {
  const keys = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return ["POST /v1/call HTTP/1.1", "Host: membrane", ...keys, ...lines, "", sent].join("\r\n");
}

const say = (...chunks: (string | Buffer)[]) => raw(membrane(world.run, 0), chunks);
const length = `Content-Length: ${body.length}`;

async function connection(): Promise<Socket> {
  const socket = createConnection(membrane(world.run, 0));
  sockets.push(socket);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

test("a plain request is answered and its connection stays", async () => {
  expect(await say(request([length]))).toMatch(
    /^HTTP\/1.1 200 OK\r\n.*\{"end":"done","value":\[\{"order":"O1"\}\]\}$/s,
  );
});

test("a chunked body is one body", async () => {
  const half = body.length >> 1;
  const chunked = `${half.toString(16)}\r\n${body.slice(0, half)}\r\n${(body.length - half).toString(16)}\r\n${body.slice(half)}\r\n0\r\n\r\n`;
  expect(await say(request(["Transfer-Encoding: chunked"], chunked))).toMatch(/"end":"done"/);
});

describe("a request that can be cut in two ways is refused, hung up on, and asks nothing:", () => {
  test.each<[string, string[], string?]>([
    ["two lengths", [length, `Content-Length: ${body.length + 1}`]],
    ["the same length twice", [length, length]],
    [
      "length, then chunks",
      [length, "Transfer-Encoding: chunked"],
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
    [
      "chunks, then length",
      ["Transfer-Encoding: chunked", length],
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
    ["another coding", ["Transfer-Encoding: gzip, chunked"], `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
    [
      "chunked spelled otherwise",
      ["Transfer-Encoding: xchunked"],
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
    ["a negative length", ["Content-Length: -1"]],
    ["a signed length", [`Content-Length: +${body.length}`]],
    ["a hexadecimal length", ["Content-Length: 0x33"]],
    ["a list of lengths", [`Content-Length: ${body.length}, ${body.length}`]],
    ["a length beyond numbers", ["Content-Length: 99999999999999999999"]],
    ["a space before the colon", [`Content-Length : ${body.length}`]],
    ["a folded line", ["X: a", ` ${length}`]],
    ["a task key twice", [length, "Silo-Task-Key: x"]],
    ["a base key twice", [length, "authorization: Bearer x"]],
  ])("%s", async (_, lines, sent) => {
    const heard = await say(request(lines, sent));
    expect(heard).toMatch(/^HTTP\/1.1 (400|403) .*<closed>$/s);
    expect(world.heard.intend).toEqual([]);
  });

  test("bare line feeds, HTTP/1.0, and a whole URL", async () => {
    for (const text of [
      request([length]).replaceAll("\r\n", "\n"),
      request([length]).replace("HTTP/1.1", "HTTP/1.0"),
      request([length]).replace("POST /v1", "POST http://membrane/v1"),
    ]) {
      expect(await say(text)).toMatch(/^HTTP\/1.1 505 .*<closed>$/s);
    }
    expect(world.heard.intend).toEqual([]);
  });
});

test("a second request on a connection that waits for its answer ends the connection", async () => {
  world.vault.call = async () => {
    await sleep(50);
    return done({ value: 1 });
  };
  expect(await say(request([length]) + request([length]))).toBe("<closed>");
});

test.each([
  "GET /v1/call",
  "PUT /v1/call",
  "post /v1/call",
  "POST /v1/call?x",
  "POST /v1/call/",
  "POST //v1/call",
  "POST /v1/%63all",
  "POST /",
  "OPTIONS *",
])("%s is no path of the door", async (line) => {
  const heard = await say(request([length]).replace("POST /v1/call", line));
  expect(heard).toMatch(/UNKNOWN_PATH|^HTTP\/1.1 (400|505)/);
  expect(world.heard.intend).toEqual([]);
});

describe("a body", () => {
  const padded = (bytes: number) => body + " ".repeat(bytes - body.length);

  test(`of ${CALL_BYTES_MAX} bytes is read, one more is refused`, async () => {
    expect(await say(request([`Content-Length: ${CALL_BYTES_MAX}`], padded(CALL_BYTES_MAX)))).toMatch(/"end":"done"/);
    const heard = await say(request([`Content-Length: ${CALL_BYTES_MAX + 1}`], padded(CALL_BYTES_MAX + 1)));
    expect(heard).toMatch(/^HTTP\/1.1 403 .*TOO_LARGE/s);
    expect(world.heard.finding).toMatchObject([{ code: "TOO_LARGE" }]);
  });

  test("without end is refused long before its end, in chunks or by length", async () => {
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const chunked = request(["Transfer-Encoding: chunked"], chunk);
    const declared = request(["Content-Length: 10000000000"], " ".repeat(CALL_BYTES_MAX + 1));
    for (const endless of [[chunked, chunk, chunk], [declared]])
      expect(await raw(membrane(world.run, 0), endless, 2 * PAUSE_MS)).toMatch(/TOO_LARGE.*<closed>$/s);
  });

  test(`that is not there within ${BODY_MS} ms is refused`, async () => {
    const started = performance.now();
    const heard = await raw(membrane(world.run, 0), [request([length], body.slice(0, 10))], BODY_MS + 3000);
    expect(heard).toMatch(/MALFORMED.*<closed>$/s);
    expect(performance.now() - started).toBeGreaterThan(BODY_MS - 100);
  });

  test.each<[string, Buffer]>([
    ["broken UTF-8", Buffer.from([0x7b, 0xff, 0x7d])],
    ["UTF-16", Buffer.from(body, "utf16le")],
    ["a byte order mark", Buffer.from(`\ufeff${body}`)],
    ["nothing", Buffer.alloc(0)],
  ])("of %s is refused", async (_, bytes) => {
    const heard = await say(request([`Content-Length: ${bytes.length}`], ""), bytes);
    expect(heard).toMatch(/MALFORMED/);
  });
});

describe("headers", () => {
  test("hold both keys at their full length", async () => {
    const long = { Authorization: `Bearer ${"a".repeat(KEY_CHARS_MAX)}`, "Silo-Task-Key": "a".repeat(KEY_CHARS_MAX) };
    expect(await ask(world.run, 0, "POST", "/v1/call", body, long)).toMatchObject({ body: { code: "KEY_INVALID" } });
  });

  test("over their bound end the connection", async () => {
    expect(await say(request([length, `X: ${"x".repeat(2 * KEY_CHARS_MAX + 4096)}`]))).toMatch(
      /^HTTP\/1.1 431 .*<closed>$/s,
    );
    expect(await say(request([length, ...Array.from({ length: 200 }, (_, at) => `X${at}: 1`)]))).toMatch(/<closed>$/);
    expect(world.heard.intend).toEqual([]);
  });
});

describe("a slot", () => {
  test(`takes ${CONNECTIONS_MAX} connections and closes one more without a word`, async () => {
    const open: Socket[] = [];
    for (let count = 0; count < CONNECTIONS_MAX; count++) open.push(await connection());
    await sleep(50);
    expect(open.filter((socket) => socket.closed)).toEqual([]);
    const spare = await connection();
    await once(spare, "close");
    open[0]?.destroy();
    await sleep(50);
    expect(await say(request([length]))).toMatch(/"end":"done"/);
  });

  test("outlives a thousand connections at once, and so does another slot", async () => {
    const other = await world.bound(1, "cell_0000000000000003");
    await Promise.all(Array.from({ length: 1000 }, () => connection().catch(() => null)));
    expect(await ask(world.run, 1, "POST", "/v1/call", body, other)).toMatchObject({ status: 200 });
    for (const socket of sockets.splice(0)) socket.destroy();
    await sleep(50);
    expect(await say(request([length]))).toMatch(/"end":"done"/);
  });

  test(`has ${IN_FLIGHT_MAX} requests in hand and says later to one more, even when nobody waits for them`, async () => {
    const held = Promise.withResolvers<void>();
    world.vault.call = async (): Promise<End<{ value: unknown }>> => {
      await held.promise;
      return done({ value: 1 });
    };
    for (let count = 1; count <= IN_FLIGHT_MAX; count++) {
      const socket = await connection();
      socket.write(request([length]));
      await expect.poll(() => world.heard.call.length, { interval: 1 }).toBe(count);
      socket.destroy();
    }
    const onceMore = () => ask(world.run, 0, "POST", "/v1/call", body, headers);
    expect(await onceMore()).toMatchObject({ status: 503, body: { end: "later" } });
    held.resolve();
    await expect.poll(async () => (await onceMore()).status).toBe(200);
  });
});
