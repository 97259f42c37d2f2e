/** What a cell tries at its door, in raw HTTP: each says whether it got through. They need a door with a bound cell in slot 0. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { CALL_BYTES_MAX, KEY_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import { done } from "../../../kernel/abi/ends.ts";
import { BODY_MS, CONNECTIONS_MAX, IN_FLIGHT_MAX } from "../../../proxies/door/slot.ts";
import { membrane, OTHER_CELL, raw, type World } from "../../proxies/door/world.ts";

type Attack = (world: World, keys: Record<string, string>) => Promise<boolean>;

const MIB = 1024 * 1024;
const LATE_MS = 1500;
const MORE = 8;
const call = '{"step":1,"capability":"order:list","arguments":{}}';

function request(keys: Record<string, string>, lines: readonly string[], body = call): string {
  const headers = Object.entries(keys).map(([name, value]) => `${name}: ${value}`);
  return ["POST /v1/call HTTP/1.1", "Host: membrane", ...lines, ...headers, "", body].join("\r\n");
}

const length = (body = call) => `Content-Length: ${body.length}`;
const isDone = (heard: string) => heard.includes('"end":"done"');

async function connection(world: World, slot = 0): Promise<Socket> {
  const socket = createConnection(membrane(world.run, slot));
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket.resume();
}

/** Writes `chunk` every `everyMs` for longer than a body may take; whether somebody still listens then. */
async function isHeardOut(world: World, head: string, chunk: Buffer, everyMs: number): Promise<boolean> {
  const socket = await connection(world);
  socket.write(head);
  for (const until = Date.now() + BODY_MS + LATE_MS; Date.now() < until && !socket.closed; ) {
    if (socket.writableLength < MIB) socket.write(chunk);
    await pause(everyMs);
  }
  const isOpen = !socket.closed;
  socket.destroy();
  return isOpen;
}

export const attacks: Readonly<Record<string, Attack>> = {
  async large_body(world, keys) {
    const body = call.padEnd(CALL_BYTES_MAX + 1);
    return isDone(await raw(membrane(world.run, 0), [request(keys, [length(body)], body)], LATE_MS));
  },
  slow_body: (world, keys) => isHeardOut(world, request(keys, ["Content-Length: 60000"], ""), Buffer.from(" "), 100),
  async large_header(world, keys) {
    const long = `X: ${"x".repeat(2 * KEY_CHARS_MAX + 4096)}`;
    return isDone(await raw(membrane(world.run, 0), [request(keys, [length(), long])]));
  },
  async connections(world) {
    const all: Socket[] = [];
    for (let count = 0; count < CONNECTIONS_MAX + MORE; count++) all.push(await connection(world));
    await pause(LATE_MS);
    const open = all.filter((socket) => !socket.closed).length;
    for (const socket of all) socket.destroy();
    return open > CONNECTIONS_MAX;
  },
  async calls_at_once(world, keys) {
    const held = Promise.withResolvers<void>();
    world.vault.call = () => held.promise.then(() => done({ value: 1 }));
    for (let count = 0; count < IN_FLIGHT_MAX + MORE; count++) {
      const socket = await connection(world);
      socket.write(request(keys, [length()]));
      await pause(20);
      socket.destroy();
    }
    await pause(LATE_MS);
    held.resolve();
    return world.heard.call.length > IN_FLIGHT_MAX;
  },
  async two_keys(world, keys) {
    return isDone(await raw(membrane(world.run, 0), [request(keys, [length(), "Silo-Task-Key: x"])]));
  },
  async other_coding(world, keys) {
    const chunked = `${call.length.toString(16)}\r\n${call}\r\n0\r\n\r\n`;
    return isDone(await raw(membrane(world.run, 0), [request(keys, ["Transfer-Encoding: xchunked"], chunked)]));
  },
  async other_key(world) {
    const others = await world.bound(1, OTHER_CELL, { jti: "fedcba9876543210" });
    return isDone(await raw(membrane(world.run, 0), [request(others, [length()])]));
  },
  async connection_kept(world) {
    const old = await connection(world);
    let heard = "";
    old.on("data", (chunk) => (heard += chunk.toString()));
    void world.toDoor.request("expect", { slot: 0, cell: OTHER_CELL });
    await pause(LATE_MS);
    old.write("GET /v1/probe HTTP/1.1\r\nHost: membrane\r\n\r\n");
    await pause(LATE_MS);
    old.destroy();
    return heard.startsWith("HTTP/1.1 200");
  },
};
