import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { done, later, refused } from "../../../kernel/abi/ends.ts";
import { digest } from "../../../kernel/abi/json.ts";
import { type RequestOf, vaultToProxy } from "../../../kernel/abi/messages.ts";
import { signPermit } from "../../../kernel/abi/permit.ts";
import { type Client, connect } from "../../../kernel/process/connect.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { act } from "../../../proxies/vault/act.ts";
import { until } from "./rig.ts";

type Body = RequestOf<typeof vaultToProxy, "act">;

const log = openLog("act-test");
log.level = "silent";
let run: string;
let server: Server;
let client: Client<typeof vaultToProxy>;
let handle: Handlers<typeof vaultToProxy>["act"];
let asked: number;
const sockets = new Set<Socket>();

beforeEach(async () => {
  run = mkdtempSync(join(tmpdir(), "silo-act-"));
  mkdirSync(join(run, "database/vault"), { recursive: true });
  asked = 0;
  const decide = () => later("not asked");
  const handlers: Handlers<typeof vaultToProxy> = {
    act(body, peer) {
      asked++;
      return handle(body, peer);
    },
    decide,
  };
  server = await listen({ from: "vault", to: "database" }, vaultToProxy, handlers, { run, log });
  server.on("connection", (socket) => sockets.add(socket));
  client = connect({ from: "vault", to: "database" }, vaultToProxy, { run, log });
  await until(() => client.connected);
});
afterEach(() => {
  client.close();
  server.close();
  rmSync(run, { recursive: true });
});

const proof = "f".repeat(64);
const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };

function body(expires = Date.now() + 30_000): Body {
  const place = { task: "task_0000000000000000", assignment: "asgn_0000000000000000", case: "case_0000000000000000" };
  const terms = {
    step: 1,
    epoch: 1,
    proxy: "database",
    capability: "refund:create",
    arguments: digest({}),
    mode: "live" as const,
  };
  return {
    permit: signPermit({ ...place, ...terms, expires }, new Uint8Array(32)),
    arguments: {},
    values: {},
    customer: null,
  };
}

const ask = (one = body()) => act(new Map([["database", client]]), one, clock);

test("an answer that was lost is asked for again under the same permit, and the recorded one is told", async () => {
  const permits = new Set<string>();
  handle = ({ permit }) => {
    permits.add(permit.mac);
    if (asked > 2) return done({ result: { refund: "R1" }, proof });
    for (const socket of sockets) socket.destroy();
    return new Promise(() => {});
  };
  expect(await ask()).toEqual(done({ result: { refund: "R1" }, proof }));
  expect([asked, permits.size]).toEqual([3, 1]);
});

test("a proxy that is away says later at once: nothing was sent", async () => {
  server.close();
  for (const socket of sockets) socket.destroy();
  await until(() => !client.connected);
  expect((await ask()).end).toBe("later");
  expect((await act(new Map(), body(), clock)).end).toBe("later");
});

test("once it may have acted, a proxy that says later is asked until it knows", async () => {
  handle = () => {
    if (asked === 2) return later("Starting.");
    if (asked > 2) return done({ result: { refund: "R1" }, proof });
    for (const socket of sockets) socket.destroy();
    return new Promise(() => {});
  };
  expect(await ask()).toEqual(done({ result: { refund: "R1" }, proof }));
});

test("nothing is asked for under a permit that ran out, and its refusal says nothing about the call", async () => {
  expect((await ask(body(Date.now() - 1))).end).toBe("later");
  expect(asked).toBe(0);
  handle = () => refused("PERMIT_EXPIRED");
  expect((await ask()).end).toBe("later");
});

test("a call whose answers are all lost stays open when its permit runs out", async () => {
  handle = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise(() => {});
  };
  expect((await ask(body(Date.now() + 400))).end).toBe("later");
  expect(asked).toBeGreaterThan(1);
});

test("every other refusal is final", async () => {
  handle = () => refused("NOT_FOUND");
  expect(await ask()).toMatchObject({ end: "refused", code: "NOT_FOUND" });
  expect(asked).toBe(1);
});
