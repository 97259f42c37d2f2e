/**
 * Attacks with true keys: each was signed by the kernel for somebody, and is shown by somebody else, somewhere else, or too late. Against a
 * real door with real sockets.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KEY_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import { importPublicKeys } from "../../../kernel/abi/keys.ts";
import { type Exchange, loadHttp } from "../../../kernel/process/http.ts";
import type { Door } from "../../../proxies/door/door.ts";
import { readKeys, verifyKeys } from "../../../proxies/door/keys.ts";
import { Slot } from "../../../proxies/door/slot.ts";
import {
  ask,
  CELL,
  ISSUER,
  makeSigner,
  membrane,
  OTHER_CELL,
  openWorld,
  raw,
  type World,
} from "../../proxies/door/world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

type Headers = Record<string, string>;
const THIRD_CELL = "cell_0000000000000003";
const list = { step: 1, capability: "order:list", arguments: {} };
const call = (headers: Headers, slot = 0, body: unknown = list) =>
  ask(world.run, slot, "POST", "/v1/call", body, headers);
const endCell = (slot: number, cell: string) => world.toDoor.request("end", { slot, cell });
const keysOf = (headers: Headers) => ({
  base: (headers["Authorization"] ?? "").slice("Bearer ".length),
  task: headers["Silo-Task-Key"] ?? "",
});
const headersOf = ({ base, task }: { base: string; task: string }): Headers => ({
  Authorization: `Bearer ${base}`,
  "Silo-Task-Key": task,
});

async function expectRefused(headers: Headers, code: string, slot = 0): Promise<void> {
  const before = world.heard.intend.length;
  expect(await call(headers, slot)).toMatchObject({ status: 403, body: { end: "refused", code } });
  expect(world.heard.intend).toHaveLength(before);
  expect(world.heard.finding.at(-1)?.code).toBe(code);
}

describe("a true key of", () => {
  const elsewhere: [string, Parameters<World["taskKey"]>[0]][] = [
    ["another cell", { cell: OTHER_CELL }],
    ["another task", { task: "task_0000000000000002", sub: "task_0000000000000002" }],
    ["another case", { case: "case_0000000000000002" }],
    ["another assignment", { assignment: "asgn_0000000000000002" }],
    ["another customer", { customer: "tok_00000002" }],
    ["no customer", { customer: null }],
    ["another event", { event: "f".repeat(64) }],
    ["another role", { role: "refund-manager" }],
    ["another bundle", { bundle: "c".repeat(64) }],
    ["the attempt before", { epoch: 6 }],
    ["the attempt after", { epoch: 8 }],
    ["another mode", { mode: "shadow" }],
  ];
  test.for(elsewhere)("%s is refused on this cell's socket", async ([, changes]) => {
    const headers = await world.bound();
    await expectRefused({ ...headers, "Silo-Task-Key": await world.taskKey(changes) }, "KEY_MISMATCH");
    expect((await call(headers)).status).toBe(200);
  });

  test("another base key of the same role, with more in it, is refused", async () => {
    const headers = await world.bound();
    const capabilities = { "order:list": [], "email:send": [], "customer:update_email": [] };
    const wider = await world.baseKey({ jti: "fedcba9876543210", capabilities });
    await expectRefused({ ...headers, Authorization: `Bearer ${wider}` }, "KEY_MISMATCH");
  });

  test("another role, with a task key of that role too, is refused", async () => {
    await world.bound();
    const of = { role: "refund-manager" };
    const keys = { base: await world.baseKey({ ...of, jti: "fedcba9876543210" }), task: await world.taskKey(of) };
    await expectRefused(headersOf(keys), "KEY_MISMATCH");
  });
});

describe("one key", () => {
  test("without the other, or twice the same, is refused", async () => {
    const headers = await world.bound();
    const { base, task } = keysOf(headers);
    for (const attempt of [
      { Authorization: `Bearer ${base}` },
      { "Silo-Task-Key": task },
      headersOf({ base, task: base }),
      headersOf({ base: task, task }),
      headersOf({ base: task, task: base }),
      headersOf({ base, task: "" }),
      headersOf({ base: "", task }),
      headersOf({ base: `${base},${base}`, task }),
    ])
      await expectRefused(attempt as Headers, "KEY_INVALID");
  });

  test("in the body or the address does not stand for a header", async () => {
    const { base, task } = keysOf(await world.bound());
    const inBody = { ...list, base_key: base, task_key: task };
    expect(await call({}, 0, inBody)).toMatchObject({ status: 403 });
    const inAddress = `/v1/call?Authorization=${encodeURIComponent(`Bearer ${base}`)}&Silo-Task-Key=${task}`;
    expect(await ask(world.run, 0, "POST", inAddress, list)).toMatchObject({ status: 403 });
    expect(world.heard.intend).toEqual([]);
  });

  test("of a megabyte never gets as far as the verifier, and the door goes on", async () => {
    const headers = await world.bound();
    const { base } = keysOf(headers);
    const request = `POST /v1/call HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${base}\r\nSilo-Task-Key: `;
    const sent = raw(membrane(world.run, 0), [request, "A".repeat(1024 * 1024), "\r\n\r\n"]);
    expect(await sent.catch(() => "<closed>")).toMatch(/^(HTTP\/1.1 431 [\s\S]*)?<closed>$/);
    expect(world.heard.intend).toEqual([]);
    expect((await call(headers)).status).toBe(200);
  });

  test("a character longer than a key may be is refused", async () => {
    const headers = await world.bound();
    await expectRefused({ ...headers, "Silo-Task-Key": "A".repeat(KEY_CHARS_MAX + 1) }, "KEY_INVALID");
  });
});

describe("a closed cell's keys, remembered as verified a moment ago,", () => {
  test("are void in the same slot's next cell, in any other slot, and for the same task's next attempt", async () => {
    const old = await world.bound(0, CELL);
    expect((await call(old)).status).toBe(200);
    await endCell(0, CELL);
    const next = await world.bound(0, OTHER_CELL);
    const other = await world.bound(1, THIRD_CELL);
    for (const slot of [0, 1]) await expectRefused(old, "KEY_MISMATCH", slot);
    expect((await call(next, 0)).status).toBe(200);
    expect((await call(other, 1)).status).toBe(200);
  });

  test("are void one by one: neither makes up for the other", async () => {
    const old = keysOf(await world.bound(0, CELL));
    await call(headersOf(old));
    await endCell(0, CELL);
    const next = keysOf(await world.bound(0, OTHER_CELL));
    await expectRefused(headersOf({ base: next.base, task: old.task }), "KEY_MISMATCH");
  });

  test("do not help a cell that showed them while they were good", async () => {
    const mine = await world.bound(0, CELL);
    const others = await world.bound(1, OTHER_CELL);
    await expectRefused(mine, "KEY_MISMATCH", 1);
    await endCell(0, CELL);
    await expectRefused(mine, "KEY_MISMATCH", 1);
    expect((await call(others, 1)).status).toBe(200);
  });

  test("are void even where the next cell has the same name: it is bound to nothing yet", async () => {
    const old = await world.bound(0, CELL);
    await call(old);
    await endCell(0, CELL);
    void world.toDoor.request("expect", { slot: 0, cell: CELL });
    await expect
      .poll(() =>
        ask(world.run, 0, "GET", "/v1/probe").then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    await expectRefused(old, "KEY_MISMATCH");
  });

  test("are void to a call that is still being verified when the cell ends", async () => {
    const keys = keysOf(await world.bound(0, CELL));
    const { App } = await loadHttp(4096);
    const slot = new Slot(3, membrane(world.run, 3), App(), () => undefined);
    const occupant = slot.open(CELL);
    const { base, task } = world.signers;
    const publicKeys = await importPublicKeys({ issuer: ISSUER, base: [base.jwk], task: [task.jwk] });
    const door = { keys: publicKeys, now: Date.now } as unknown as Door;
    const headers = new Map([
      ["authorization", `Bearer ${keys.base}`],
      ["silo-task-key", keys.task],
    ]);
    const exchange = { header: (name: string) => headers.get(name) } as unknown as Exchange;
    const verified = await verifyKeys(door, occupant.verified, keys.base, keys.task);
    if (verified.end !== "done") expect.fail("not verified");
    occupant.bound = { keys: verified.value, document: {} };
    expect(await readKeys(door, occupant, exchange)).toMatchObject({ end: "done" });
    const underWay = readKeys(door, occupant, exchange);
    slot.close();
    expect(await underWay).toMatchObject({ code: "KEY_MISMATCH" });
  });
});

describe("a signing key", () => {
  test("that is new signs while the old one still verifies: no cell loses its keys", async () => {
    const running = await world.bound(0, CELL);
    expect((await call(running)).status).toBe(200);
    const old = { ...world.signers };
    const fresh = { base: await makeSigner(), task: await makeSigner() };
    await world.toDoor.request("keys", {
      issuer: ISSUER,
      base: [old.base.jwk, fresh.base.jwk],
      task: [old.task.jwk, fresh.task.jwk],
    });
    world.signers.base = fresh.base;
    world.signers.task = fresh.task;
    const started = await world.bound(1, OTHER_CELL);
    expect((await call(running, 0)).status).toBe(200);
    expect((await call(started, 1)).status).toBe(200);
  });

  test("that is taken back takes along what it signed, remembered or not", async () => {
    const running = await world.bound(0, CELL);
    expect((await call(running)).status).toBe(200);
    const fresh = { base: await makeSigner(), task: await makeSigner() };
    await world.toDoor.request("keys", { issuer: ISSUER, base: [fresh.base.jwk], task: [fresh.task.jwk] });
    await expectRefused(running, "KEY_INVALID");
  });

  test("of one kind does not sign the other, whatever the kernel is made to send", async () => {
    const headers = await world.bound();
    const { base, task } = world.signers;
    await world.toDoor.request("keys", { issuer: ISSUER, base: [task.jwk], task: [base.jwk] });
    await expectRefused(headers, "KEY_INVALID");
  });

  test("with a private half in it is not taken: the door holds public keys only", async () => {
    const { base } = world.signers;
    const withPrivate = { ...(base.jwk as object), d: "A".repeat(43) };
    await expect(importPublicKeys({ issuer: ISSUER, base: [withPrivate], task: [] })).rejects.toThrow();
  });
});
