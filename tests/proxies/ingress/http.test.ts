/** What a stranger can do to ingress with bytes instead of requests. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SUBMISSION_BYTES_MAX } from "../../../kernel/abi/bounds.ts";
import { BODY_MS, CONNECTIONS_MAX, HEADER_BYTES_MAX } from "../../../proxies/ingress/open.ts";
import { ask, KEYS, openWorld, type World } from "./world.ts";

let world: World;
const sockets: Socket[] = [];
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.close();
});

const body = '{"kind":"hello"}';
const length = `Content-Length: ${body.length}`;

function request(lines: readonly string[], sent = body): string {
  const head = ["POST /v1/tasks HTTP/1.1", "Host: silo", `Authorization: Bearer ${KEYS.shop}`, "Idempotency-Key: k"];
  return [...head, ...lines, "", sent].join("\r\n");
}

async function connection(): Promise<Socket> {
  const socket = createConnection(world.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** What is heard until the other side hangs up or `forMs` are over. */
async function say(text: string, forMs = 300): Promise<string> {
  const socket = await connection();
  let heard = "";
  socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
  socket.write(text);
  await Promise.race([once(socket, "close"), sleep(forMs)]);
  return socket.closed ? `${heard}<closed>` : heard;
}

test("a plain request is accepted", async () => {
  expect(await say(request([length]))).toMatch(/^HTTP\/1.1 202 Accepted\r\n/);
});

test.each<[string, string[], string?]>([
  ["two lengths", [length, "Content-Length: 2"]],
  ["length and chunks", [length, "Transfer-Encoding: chunked"], `10\r\n${body}\r\n0\r\n\r\n`],
  ["chunks and length", ["Transfer-Encoding: chunked", length], `10\r\n${body}\r\n0\r\n\r\n`],
  ["a coding that is not chunked", ["Transfer-Encoding: identity;chunked"], `10\r\n${body}\r\n0\r\n\r\n`],
  ["two API keys", [length, "Authorization: Bearer bank-key"]],
  ["two idempotency keys", [length, "Idempotency-Key: other"]],
])("a request with %s is refused and hung up on", async (_, lines, sent) => {
  expect(await say(request(lines, sent))).toMatch(/^HTTP\/1.1 400 .*<closed>$/s);
  expect(world.submitted).toEqual([]);
});

test("a second request on a connection that waits for its answer ends the connection", async () => {
  world.vault.submit = () => sleep(100, { end: "later", message: "Soon." });
  expect(await say(request([length]) + request([length]))).toBe("<closed>");
});

describe("a body", () => {
  const padded = (bytes: number) => body + " ".repeat(bytes - body.length);
  const key = { "Idempotency-Key": "k" };

  test(`of ${SUBMISSION_BYTES_MAX} bytes is accepted, one more is 413`, async () => {
    expect(await ask(world, "POST", "/v1/tasks", padded(SUBMISSION_BYTES_MAX), key)).toMatchObject({ status: 202 });
    const refusal = { status: 413, body: { code: "TOO_LARGE" } };
    expect(await ask(world, "POST", "/v1/tasks", padded(SUBMISSION_BYTES_MAX + 1), key)).toMatchObject(refusal);
  });

  test("of 10 MB is refused with 413 after its first 64 KiB, and the connection ends", async () => {
    const socket = await connection();
    let heard = "";
    socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
    socket.write(request(["Content-Length: 10000000"], " ".repeat(SUBMISSION_BYTES_MAX + 1)));
    await once(socket, "close");
    expect(heard).toMatch(/^HTTP\/1.1 413 .*TOO_LARGE/s);
    expect(world.submitted).toEqual([]);
  });

  test(`that is not there within ${BODY_MS} ms is refused`, async () => {
    expect(await say(request([length], body.slice(0, 3)), BODY_MS + 3000)).toMatch(/^HTTP\/1.1 400 .*<closed>$/s);
  });
});

test("headers over their bound end the connection", async () => {
  expect(await say(request([length, `X: ${"x".repeat(HEADER_BYTES_MAX)}`]))).toMatch(/^HTTP\/1.1 431 .*<closed>$/s);
  expect(world.submitted).toEqual([]);
});

test("headers that never end are hung up on", async () => {
  const socket = await connection();
  socket.write("POST /v1/tasks HTTP/1.1\r\n");
  const drip = setInterval(() => socket.write("x"), 1000);
  const started = performance.now();
  await once(socket, "close");
  clearInterval(drip);
  expect(performance.now() - started).toBeLessThan(45_000);
});

test(`${CONNECTIONS_MAX} connections are held, one more is closed, and the next after one went is served`, async () => {
  for (let count = 0; count < CONNECTIONS_MAX; count++) await connection();
  await sleep(100);
  expect(sockets.filter((socket) => socket.closed)).toEqual([]);
  await once(await connection(), "close");
  sockets[0]?.destroy();
  await sleep(100);
  expect(await say(request([length]))).toMatch(/202/);
});

describe("TLS", () => {
  test("is spoken, and alone, where tls.crt and tls.key are given", async () => {
    const folder = mkdtempSync(join(tmpdir(), "silo-tls-"));
    const [keyFile, certFile] = [join(folder, "key"), join(folder, "crt")];
    const made = spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      keyFile,
      "-out",
      certFile,
      "-subj",
      "/CN=silo",
      "-days",
      "1",
    ]);
    expect(made.status).toBe(0);
    const secure = await openWorld({ "tls.crt": readFileSync(certFile), "tls.key": readFileSync(keyFile) });
    rmSync(folder, { recursive: true });
    const socket = connectTls({ port: secure.port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.write(request([length]));
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).toMatch(/202 Accepted/);
    expect(secure.warnings.join()).not.toContain("PLAIN HTTP");
    socket.destroy();
    const plain = createConnection(secure.port, "127.0.0.1");
    plain.on("error", () => plain.destroy());
    plain.write(request([length]));
    await once(plain, "close");
    expect(secure.submitted).toHaveLength(1);
    await secure.close();
  });

  test("with half a credential is a mistake that stops the start", async () => {
    await expect(openWorld({ "tls.crt": "x" })).rejects.toThrow(/only .*tls\.crt is there/);
  });
});
