/** The boundaries of an edge lie where their names say: what dies there has sent what it had to send, or has not. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeFrame } from "../../kernel/abi/frames.ts";
import { call } from "./points/edge-call.ts";
import { announce, FOLDER, makeFolder, withdraw } from "./points/plan.ts";

const HERE = join(import.meta.dirname, "points");
const socket = (run: string) => join(run, "vault/door/socket");

let run: string;
let bytes: number;

beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "silo-points-"));
  mkdirSync(join(run, "vault/door"), { recursive: true });
  makeFolder();
  bytes = 0;
});
afterEach(() => {
  withdraw();
  for (const folder of [run, FOLDER]) rmSync(folder, { recursive: true, force: true });
});

/** That end of the edge, with its boundaries marked; it dies at this one. */
function end(self: "door" | "vault", point: string): ChildProcess {
  announce({ id: self, act: "die", process: self, point, crossing: 1 });
  const argv = ["--import", join(HERE, "register.ts"), join(HERE, "edge-inside.ts"), run, self];
  const env = { ...process.env, CREDENTIALS_DIRECTORY: `/run/silo/credentials/${self}` };
  return spawn(process.execPath, argv, { env, stdio: ["ignore", "pipe", "inherit"] });
}

test.each([
  { point: "before", sent: false },
  { point: "begun", sent: true },
])("a sender that dies at `$point` has sent its request: $sent", async ({ point, sent }) => {
  const server = createServer((peer) => peer.on("data", (chunk) => (bytes += chunk.length)).on("error", () => {}));
  await once(server.listen(socket(run)), "listening");
  const closed = once(server, "connection").then(([peer]) => once(peer, "close"));
  const door = end("door", `door->vault call customer:read asked: ${point}`);
  expect((await once(door, "exit"))[1]).toBe("SIGKILL");
  await closed;
  server.close();
  expect(bytes > 0).toBe(sent);
});

test.each([
  { point: "received", sent: false },
  { point: "decided", sent: false },
  { point: "answered", sent: true },
])("a receiver that dies at `$point` has sent its answer: $sent", async ({ point, sent }) => {
  const vault = end("vault", `door->vault call customer:read ${point}`);
  await once(vault.stdout as NonNullable<typeof vault.stdout>, "data");
  const door = createConnection(socket(run), () => door.write(encodeFrame({ id: 1, message: "call", body: call })));
  door.on("data", (chunk) => (bytes += chunk.length)).on("error", () => {});
  expect((await once(vault, "exit"))[1]).toBe("SIGKILL");
  if (!door.closed) await once(door, "close");
  expect(bytes > 0).toBe(sent);
});
