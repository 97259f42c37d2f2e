import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { writeTogether } from "../../../kernel/process/write-together.ts";

let folder: string;
let close: () => void;
let socket: Socket;
let received: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "silo-write-"));
  received = "";
  const server = createServer((peer) =>
    peer.on("data", (chunk: Buffer) => {
      received += chunk;
    }),
  ).listen(`${folder}/socket`);
  socket = createConnection(`${folder}/socket`);
  await once(socket, "connect");
  close = () => {
    socket.destroy();
    server.close();
  };
});

afterEach(() => {
  close();
  rmSync(folder, { recursive: true, force: true });
});

test("frames of one turn leave together and in order, whichever callback of it they come from", async () => {
  const sending = vi.spyOn(socket, "uncork");
  writeTogether(socket, Buffer.from("a"));
  process.nextTick(() => writeTogether(socket, Buffer.from("b")));
  await new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)));
  writeTogether(socket, Buffer.from("c"));
  expect(sending).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(received).toBe("abc"));
  expect(sending).toHaveBeenCalledTimes(1);
});

test("a frame of the next turn leaves by itself", async () => {
  const sending = vi.spyOn(socket, "uncork");
  for (const frame of ["a", "b"]) {
    writeTogether(socket, Buffer.from(frame));
    await turn();
  }
  await vi.waitFor(() => expect(received).toBe("ab"));
  expect(sending).toHaveBeenCalledTimes(2);
});
