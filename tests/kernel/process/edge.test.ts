/** Both ends of an edge on a real socket: `listen` (with `receive`) and `connect`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IN_FLIGHT_MAX } from "../../../kernel/abi/bounds.ts";
import { consoleToKernel } from "../../../kernel/abi/console-messages.ts";
import { edgeBetween, edges, socketPath } from "../../../kernel/abi/edges.ts";
import { done, later, refused } from "../../../kernel/abi/ends.ts";
import { encodeFrame, FrameReader } from "../../../kernel/abi/frames.ts";
import { ingressToKernel, kernelToJailer } from "../../../kernel/abi/messages.ts";
import { type Client, connect } from "../../../kernel/process/connect.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";

const log = openLog("test");
log.level = "silent";
const edge = { from: "ingress", to: "kernel" } as const;
const state = {
  task: "task_0123456789abcdef",
  case: "case_0123456789abcdef",
  kind: "refund",
  state: "ready",
  role: null,
  event: null,
  created: 1,
  updated: 2,
} as const;
const ask = { frontend: "shop", task: state.task, answer: false };

let run = "";
const open: { close(): unknown }[] = [];

beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "silo-edge-"));
  for (const { from, to } of edges) mkdirSync(join(run, to, from), { recursive: true });
});
afterEach(() => {
  for (const end of open.splice(0)) end.close();
  rmSync(run, { recursive: true });
});

async function serve(handlers: Handlers<typeof ingressToKernel>): Promise<Server> {
  const server = await listen(edge, ingressToKernel, handlers, { run, log });
  open.push(server);
  return server;
}

async function client(): Promise<Client<typeof ingressToKernel>> {
  const ready = Promise.withResolvers<void>();
  const made = connect(edge, ingressToKernel, { run, log, onConnect: ready.resolve });
  open.push(made);
  await ready.promise;
  return made;
}

/** A peer that speaks bytes, as one that was taken over would. */
async function rawPeer(to: { from: "ingress" | "console"; to: "kernel" } = edge): Promise<Socket> {
  const socket = createConnection(socketPath(run, to.to, to.from));
  open.push({ close: () => socket.destroy() });
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Everything the other side says until it hangs up. */
async function heard(socket: Socket): Promise<unknown[]> {
  const reader = new FrameReader();
  const frames: unknown[] = [];
  socket.on("data", (chunk: Buffer) => frames.push(...reader.push(chunk)));
  await once(socket, "close");
  return frames;
}

function frameOf(text: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([header, Buffer.from(text)]);
}

/** A handler that counts how often it was reached. */
function counting() {
  const count = { seen: 0 };
  const handlers: Handlers<typeof ingressToKernel> = {
    state: () => {
      count.seen++;
      return done(state);
    },
  };
  return { count, handlers };
}

/** A receiver that answers every connection with `answer`, whatever was asked. */
function impostor(answer: (id: number) => unknown): Server {
  const server = createServer((socket) => {
    const reader = new FrameReader();
    socket.on("data", (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) socket.write(encodeFrame(answer((frame as { id: number }).id)));
    });
  });
  server.listen(socketPath(run, edge.to, edge.from));
  open.push(server);
  return server;
}

describe("an edge", () => {
  test("carries each of the three endings", async () => {
    const ends = [done({ ...state }), refused("TASK_UNKNOWN", "Not yours."), later("Soon.")];
    await serve({ state: () => ends.shift() ?? later("no more") });
    const sender = await client();
    expect(await sender.request("state", ask)).toEqual(done(state));
    expect(await sender.request("state", ask)).toEqual(refused("TASK_UNKNOWN", "Not yours."));
    expect(await sender.request("state", ask)).toEqual(later("Soon."));
  });

  test("gives each of many requests in flight its own answer, in any order", async () => {
    const held: (() => void)[] = [];
    await serve({
      state: ({ task }) => new Promise((resolve) => held.push(() => resolve(done({ ...state, task })))),
    });
    const sender = await client();
    const tasks = Array.from({ length: 100 }, (_, at) => `task_${String(at).padStart(16, "0")}`);
    const answers = tasks.map((task) => sender.request("state", { ...ask, task }));
    while (held.length < tasks.length) await sleep(1);
    for (const release of held.reverse()) release();
    for (const [at, answer] of (await Promise.all(answers)).entries()) {
      expect(answer).toMatchObject({ value: { task: tasks[at] } });
    }
  });

  test("stands in a socket its group may use and nobody else", async () => {
    await serve({ state: () => done(state) });
    expect(statSync(socketPath(run, "kernel", "ingress")).mode & 0o777).toBe(0o660);
  });

  test("that is not in the table cannot be opened", async () => {
    const nobody = { from: "ingress", to: "jailer" } as const;
    await expect(listen(nobody, kernelToJailer, {} as never, { run, log })).rejects.toThrow(/no edge/);
    expect(() => edgeBetween("ingress", "jailer")).toThrow(/no edge/);
    expect(existsSync(socketPath(run, "jailer", "ingress"))).toBe(false);
  });
});

describe("listen", () => {
  const ok = { id: 1, message: "state", body: ask };
  test.each<[string, Buffer]>([
    ["an unknown message", encodeFrame({ ...ok, message: "submit" })],
    ["a message named like a method", encodeFrame({ ...ok, message: "toString" })],
    ["a spare field in the body", encodeFrame({ ...ok, body: { ...ask, spare: 1 } })],
    [
      "a prototype in the body",
      frameOf(
        '{"id":1,"message":"state","body":{"__proto__":{},"frontend":"shop","task":"task_0123456789abcdef","answer":false}}',
      ),
    ],
    ["a spare field round it", encodeFrame({ ...ok, spare: 1 })],
    ["a missing field", encodeFrame({ ...ok, body: { frontend: "shop" } })],
    ["no id", encodeFrame({ message: "state", body: ask })],
    ["an id that is no integer", encodeFrame({ ...ok, id: 1.5 })],
    ["an array", encodeFrame([ok])],
    ["null", encodeFrame(null)],
    ["an endless frame", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ])("tells kin of %s, hangs up, and lets no handler see it", async (_, bytes) => {
    const { count, handlers } = counting();
    await serve(handlers);
    const peer = await rawPeer();
    peer.write(bytes);
    expect(await heard(peer)).toEqual([{ violation: expect.any(String) }]);
    expect(count.seen).toBe(0);
  });

  test("handles nothing that follows a violation, in the same chunk or later", async () => {
    const { count, handlers } = counting();
    await serve(handlers);
    const peer = await rawPeer();
    peer.write(Buffer.concat([encodeFrame({ id: 1, message: "spy", body: {} }), encodeFrame(ok)]));
    peer.write(encodeFrame(ok));
    await heard(peer);
    expect(count.seen).toBe(0);
  });

  test("hangs up on a stranger without a word, and goes on with the next", async () => {
    const handlers = new Proxy({} as Handlers<typeof consoleToKernel>, { get: () => () => later("no") });
    open.push(await listen({ from: "console", to: "kernel" }, consoleToKernel, handlers, { run, log }));
    const bad = await rawPeer({ from: "console", to: "kernel" });
    bad.write(encodeFrame({ id: 1, message: "shell", body: {} }));
    expect(await heard(bad)).toEqual([]);
    const good = await rawPeer({ from: "console", to: "kernel" });
    good.write(encodeFrame({ id: 1, message: "status", body: {} }));
    const [chunk] = (await once(good, "data")) as [Buffer];
    expect(new FrameReader().push(chunk)).toEqual([{ id: 1, ...later("no") }]);
  });

  test("hangs up on a peer that does not read its farewell", async () => {
    const server = await serve({ state: () => done(state) });
    const peer = await rawPeer();
    peer.pause();
    peer.write(encodeFrame({ spare: 1 }));
    await expect.poll(() => connections(server), { timeout: 5000 }).toBe(0);
  });

  test(`stops reading at ${IN_FLIGHT_MAX} requests in flight and goes on when one ends`, async () => {
    const held: (() => void)[] = [];
    await serve({ state: () => new Promise((resolve) => held.push(() => resolve(done(state)))) });
    const peer = await rawPeer();
    for (let id = 1; id <= IN_FLIGHT_MAX; id++) peer.write(encodeFrame({ ...ok, id }));
    await expect.poll(() => held.length).toBe(IN_FLIGHT_MAX);
    await sleep(50);
    peer.write(encodeFrame({ ...ok, id: IN_FLIGHT_MAX + 1 }));
    await sleep(100);
    expect(held).toHaveLength(IN_FLIGHT_MAX);
    held[0]?.();
    await expect.poll(() => held.length).toBe(IN_FLIGHT_MAX + 1);
  });

  test("stops reading from a peer that never reads its answers", async () => {
    const { count, handlers } = counting();
    await serve(handlers);
    const peer = await rawPeer();
    peer.pause();
    const requests = Buffer.concat(Array.from({ length: 1000 }, (_, id) => encodeFrame({ ...ok, id })));
    let isFull = false;
    for (let round = 0; round < 500 && !isFull; round++) {
      peer.write(requests);
      await sleep(1);
      isFull = peer.writableLength > 4 * requests.length;
    }
    expect(isFull).toBe(true);
    const before = count.seen;
    await sleep(100);
    expect(count.seen).toBe(before);
  });
});

describe("connect", () => {
  test("ends later when nothing listens, and comes back by itself", async () => {
    const ready = Promise.withResolvers<void>();
    const sender = connect(edge, ingressToKernel, { run, log, onConnect: ready.resolve });
    open.push(sender);
    expect(await sender.request("state", ask)).toEqual(later("kernel is not reachable."));
    await serve({ state: () => done(state) });
    await ready.promise;
    expect(sender.connected).toBe(true);
    expect(await sender.request("state", ask)).toEqual(done(state));
  });

  test("ends lost what was sent when the connection breaks, and says so", async () => {
    let losses = 0;
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(socketPath(run, "kernel", "ingress"));
    open.push(server);
    const ready = Promise.withResolvers<void>();
    const sender = connect(edge, ingressToKernel, { run, log, onConnect: ready.resolve, onLost: () => losses++ });
    open.push(sender);
    await ready.promise;
    const answer = sender.request("state", ask);
    await expect.poll(() => sockets.length).toBe(1);
    sockets[0]?.destroy();
    expect(await answer).toEqual({ end: "lost" });
    expect(losses).toBe(1);
  });

  test("turns silence into lost after the time-out, and drops the late answer", async () => {
    await serve({ state: () => sleep(50, done(state)) });
    const sender = await client();
    expect(await sender.request("state", ask, 10)).toEqual({ end: "lost" });
    await sleep(80);
    expect(await sender.request("state", ask, 1000)).toEqual(done(state));
  });

  test.each<[string, object]>([
    ["none of the three endings", { end: "maybe" }],
    ["a value of another form", { end: "done", value: { ...state, spare: 1 } }],
    ["no value", { end: "done" }],
    ["an unknown code", { end: "refused", code: "NOPE", message: "x" }],
    ["a code named like a method", { end: "refused", code: "toString", message: "x" }],
    ["a refusal without a sentence", { end: "refused", code: "TASK_UNKNOWN" }],
    ["a spare field", { end: "later", message: "x", spare: 1 }],
    ["two endings at once", { end: "later", message: "x", value: state }],
  ])("drops a receiver that answers %s: the request is lost", async (_, end) => {
    impostor((id) => ({ id, ...end }));
    const sender = await client();
    expect(await sender.request("state", ask)).toEqual({ end: "lost" });
  });

  test("leaves nothing open after close, even when it had not yet connected", async () => {
    const server = await serve({ state: () => done(state) });
    connect(edge, ingressToKernel, { run, log }).close();
    await sleep(50);
    expect(await connections(server)).toBe(0);
  });
});

describe("a process", () => {
  const source = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../..", path)).href);

  /** Runs `script` as a process of its own; yields how it ended and what it logged. */
  async function child(script: string): Promise<{ code: number | null; lines: string }> {
    const started = spawn(process.execPath, ["--input-type=module", "--eval", script]);
    let lines = "";
    started.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString()));
    const [code] = (await once(started, "close")) as [number | null];
    return { code, lines };
  }

  test("that learns of its own violation says so and exits", async () => {
    await serve({ state: () => done(state) });
    const { code, lines } = await child(`
      import { connect } from ${source("kernel/process/connect.ts")};
      import { openLog } from ${source("kernel/process/log.ts")};
      import { ingressToKernel } from ${source("kernel/abi/messages.ts")};
      const sender = connect({ from: "ingress", to: "kernel" }, ingressToKernel, {
        run: ${JSON.stringify(run)}, log: openLog("taken"),
        onConnect: () => sender.request("state", { frontend: "shop", task: "all" }),
      });`);
    expect(code).toBe(70);
    expect(lines).toMatch(/"level":60.*violation: this process sent it/);
    expect(lines).not.toContain('"all"');
  });

  test("whose handler throws exits: a crash is later, never refused", async () => {
    const ended = child(`
      import { listen } from ${source("kernel/process/listen.ts")};
      import { openLog } from ${source("kernel/process/log.ts")};
      import { ingressToKernel } from ${source("kernel/abi/messages.ts")};
      await listen({ from: "ingress", to: "kernel" }, ingressToKernel, {
        state: () => { throw new Error("defect"); },
      }, { run: ${JSON.stringify(run)}, log: openLog("broken") });`);
    const sender = await client();
    expect(await sender.request("state", ask)).toEqual({ end: "lost" });
    const { code, lines } = await ended;
    expect(code).toBe(70);
    expect(lines).toMatch(/"level":60.*a handler failed/);
  });
});

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
