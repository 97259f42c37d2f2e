/** The kv proxy on a real environment: what a case keeps, its bounds, and records that commit with their effects. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import type { JsonObject } from "../../../kernel/abi/json.ts";
import type { Operations } from "../../../kernel/abi/operations.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { ConfigError } from "../../../kernel/process/config.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { kvActing } from "../../../proxies/kv/acting.ts";
import { CASE_BYTES_MAX, CASE_KEYS_MAX, LIST_ITEMS_MAX, VALUE_BYTES_MAX } from "../../../proxies/kv/bounds.ts";
import { type Call, ownOperations } from "../../../proxies/proxy/admit.ts";
import { type Durable, openDurable } from "../../../proxies/proxy/durable.ts";
import type { Acting } from "../../../proxies/proxy/serve.ts";

const operations = readOperations({ etc: "config" });
const own = ownOperations(operations, "kv");
const log = openLog("test");
log.level = "silent";

let folder = "";
let durable: Durable;
let kv: Acting;
let clock = 1_000_000;
let steps = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-kv-"));
  durable = openDurable(folder, log);
  kv = kvActing(operations, durable, () => clock);
});
afterEach(async () => {
  await durable.close();
  rmSync(folder, { recursive: true });
});

function callOf(command: string, values: JsonObject, terms: Partial<Call> = {}): Call {
  const capability = `kv:${command}`;
  const operation = own.get(capability)?.operation;
  if (operation === undefined) throw new Error(`${capability} is not declared.`);
  steps++;
  return {
    capability,
    operation,
    key: `task/asgn/${steps}`,
    epoch: 1,
    case: "case_0000000000000001",
    arguments: "a".repeat(64),
    void_until: 0,
    values,
    customer: null,
    ...terms,
  };
}

const act = (command: string, values: JsonObject, terms: Partial<Call> = {}) => kv.act(callOf(command, values, terms));

describe("a case", () => {
  test("gets back what it set, and nothing where it set nothing", async () => {
    expect(await act("get", { key: "k" })).toEqual(done(null));
    expect(await act("set", { key: "k", value: "noise" })).toEqual(done({ stored: true }));
    expect(await act("get", { key: "k" })).toEqual(done({ value: "noise" }));
  });

  test("does not see another case's keys, whatever it calls them", async () => {
    const other = { case: "case_0000000000000002" };
    await act("set", { key: "k", value: "mine" }, other);
    await act("push", { list: "l", value: "mine" }, other);
    for (const key of ["k", "../case_0000000000000002/k", "case_0000000000000002", "\u0001k"])
      expect(await act("get", { key })).toEqual(done(null));
    expect(await act("range", { list: "l", from: 0, to: 9 })).toEqual(done([]));
    expect(await act("delete", { key: "k" })).toEqual(done({ deleted: false }));
    expect(await act("get", { key: "k" }, other)).toEqual(done({ value: "mine" }));
  });

  test("counts from 0, up and down", async () => {
    expect(await act("increment", { key: "n", by: 5 })).toEqual(done({ value: 5 }));
    expect(await act("increment", { key: "n", by: -7 })).toEqual(done({ value: -2 }));
  });

  test("reads a list from the first up to but without the last", async () => {
    for (const value of ["a", "b", "c"]) await act("push", { list: "l", value });
    expect(await act("range", { list: "l", from: 1, to: 3 })).toEqual(done([{ value: "b" }, { value: "c" }]));
    expect(await act("range", { list: "l", from: 0, to: 1000 })).toMatchObject({ value: { length: 3 } });
    expect(await act("range", { list: "l", from: 2, to: 2 })).toEqual(done([]));
    expect(await act("range", { list: "l", from: 3, to: 1 })).toEqual(done([]));
  });

  test("begins a deleted list anew", async () => {
    for (const value of ["a", "b"]) await act("push", { list: "l", value });
    expect(await act("delete", { key: "l" })).toEqual(done({ deleted: true }));
    expect(await act("push", { list: "l", value: "c" })).toEqual(done({ length: 1 }));
    expect(await act("range", { list: "l", from: 0, to: 9 })).toEqual(done([{ value: "c" }]));
  });

  test("cannot use a key for two things", async () => {
    await act("push", { list: "k", value: "a" });
    expect(await act("get", { key: "k" })).toMatchObject({ code: "CONFLICT" });
    expect(await act("set", { key: "k", value: "a" })).toMatchObject({ code: "CONFLICT" });
    expect(await act("increment", { key: "k", by: 1 })).toMatchObject({ code: "CONFLICT" });
    await act("set", { key: "v", value: "a" });
    expect(await act("push", { list: "v", value: "a" })).toMatchObject({ code: "CONFLICT" });
    expect(await act("range", { list: "v", from: 0, to: 1 })).toMatchObject({ code: "CONFLICT" });
  });

  test("finds an expired value gone, from its last millisecond on", async () => {
    await act("set", { key: "k", value: "a", seconds: 60 });
    clock += 59_999;
    expect(await act("get", { key: "k" })).toEqual(done({ value: "a" }));
    clock += 1;
    expect(await act("get", { key: "k" })).toEqual(done(null));
    expect(await act("increment", { key: "k", by: 1 })).toEqual(done({ value: 1 }));
  });
});

describe("bounds", () => {
  test("a case holds CASE_KEYS_MAX keys; what has expired makes room", async () => {
    const first = act("set", { key: "first", value: "a", seconds: 1 });
    const rest = Array.from({ length: CASE_KEYS_MAX - 1 }, (_, at) => act("set", { key: `k${at}`, value: "a" }));
    for (const end of await Promise.all([first, ...rest])) expect(end.end).toBe("done");
    expect(await act("set", { key: "one more", value: "a" })).toMatchObject({ code: "CONFLICT" });
    expect(await act("increment", { key: "one more", by: 1 })).toMatchObject({ code: "CONFLICT" });
    expect(await act("push", { list: "one more", value: "a" })).toMatchObject({ code: "CONFLICT" });
    expect(await act("set", { key: "k0", value: "b" })).toEqual(done({ stored: true }));
    expect(await act("set", { key: "k", value: "b" }, { case: "case_0000000000000000" })).toMatchObject({
      end: "done",
    });
    clock += 1000;
    expect(await act("set", { key: "one more", value: "a" })).toEqual(done({ stored: true }));
    expect(await act("set", { key: "yet one", value: "a" })).toMatchObject({ code: "CONFLICT" });
  });

  test("a case holds CASE_BYTES_MAX bytes of keys and values; what is deleted, replaced or expired makes room", async () => {
    const set = (key: string, bytes: number, more = {}) => act("set", { key, value: "x".repeat(bytes), ...more });
    const push = (bytes: number) => act("push", { list: "list", value: "x".repeat(bytes) });
    const full = { code: "CONFLICT", message: expect.stringContaining(`${CASE_BYTES_MAX} bytes`) };
    const each = VALUE_BYTES_MAX - 4;
    const whole = Math.floor(CASE_BYTES_MAX / VALUE_BYTES_MAX);
    const rest = CASE_BYTES_MAX - whole * VALUE_BYTES_MAX;
    await push(each - 4);
    await set("0001", each, { seconds: 1 });
    const sets = Array.from({ length: whole - 2 }, (_, at) => set(String(at + 2).padStart(4, "0"), each));
    for (const end of await Promise.all(sets)) expect(end).toEqual(done({ stored: true }));
    expect(await set("more", rest - 3)).toMatchObject(full);
    expect(await set("more", rest - 4)).toEqual(done({ stored: true }));
    expect(await push(1)).toMatchObject(full);
    expect(await act("increment", { key: "n", by: 1 })).toMatchObject(full);
    expect(await set("0002", each + 1)).toMatchObject(full);
    expect(await set("0002", each)).toEqual(done({ stored: true }));
    clock += 1000;
    expect(await set("0001", each + 1)).toMatchObject(full);
    expect(await set("0001", each)).toEqual(done({ stored: true }));
    await act("delete", { key: "list" });
    expect(await set("list", each + 1)).toMatchObject(full);
    expect(await set("list", each)).toEqual(done({ stored: true }));
    expect(await act("set", { key: "k", value: "x" }, { case: "case_0000000000000002" })).toMatchObject({
      end: "done",
    });
  });

  test("a list holds LIST_ITEMS_MAX items", async () => {
    const pushes = Array.from({ length: LIST_ITEMS_MAX }, () => act("push", { list: "l", value: "a" }));
    expect((await Promise.all(pushes)).at(-1)).toEqual(done({ length: LIST_ITEMS_MAX }));
    expect(await act("push", { list: "l", value: "a" })).toMatchObject({ code: "CONFLICT" });
  });

  test("a value has VALUE_BYTES_MAX bytes", async () => {
    expect(await act("set", { key: "k", value: "x".repeat(VALUE_BYTES_MAX) })).toMatchObject({ end: "done" });
    expect(await act("set", { key: "k", value: "x".repeat(VALUE_BYTES_MAX + 1) })).toMatchObject({ code: "CONFLICT" });
    expect(await act("push", { list: "l", value: "x".repeat(VALUE_BYTES_MAX + 1) })).toMatchObject({
      code: "CONFLICT",
    });
  });

  test("a counter stays exact", async () => {
    await act("increment", { key: "n", by: Number.MAX_SAFE_INTEGER - 1 });
    expect(await act("increment", { key: "n", by: 1 })).toEqual(done({ value: Number.MAX_SAFE_INTEGER }));
    expect(await act("increment", { key: "n", by: 1 })).toMatchObject({ code: "CONFLICT" });
    expect(await act("increment", { key: "n", by: 0 })).toEqual(done({ value: Number.MAX_SAFE_INTEGER }));
  });
});

describe("an effect", () => {
  test("acted twice under one key happens once", async () => {
    const call = callOf("increment", { key: "n", by: 1 });
    const ends = await Promise.all([kv.act(call), kv.act(call), kv.act({ ...call, epoch: 2 })]);
    expect(ends).toEqual([done({ value: 1 }), done({ value: 1 }), done({ value: 1 })]);
    expect(await act("increment", { key: "n", by: 0 })).toEqual(done({ value: 1 }));
  });

  test("is void once decided, for its epoch; a newer one acts", async () => {
    const call = callOf("increment", { key: "n", by: 1 });
    expect(await kv.decide(call)).toEqual(done({ decided: "void", result: null }));
    expect(await kv.act(call)).toMatchObject({ code: "CONFLICT" });
    expect(await kv.act({ ...call, epoch: 2 })).toEqual(done({ value: 1 }));
    expect(await kv.decide({ ...call, epoch: 3 })).toEqual(done({ decided: "happened", result: { value: 1 } }));
    expect(await kv.act({ ...call, epoch: 2 })).toMatchObject({ code: "PERMIT_EXPIRED" });
  });

  test("that was refused fences off older epochs and leaves nothing", async () => {
    await act("push", { list: "k", value: "a" });
    const call = callOf("set", { key: "k", value: "b" });
    expect(await kv.act({ ...call, epoch: 2 })).toMatchObject({ code: "CONFLICT" });
    await act("delete", { key: "k" });
    expect(await kv.act({ ...call, epoch: 1 })).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await act("get", { key: "k" })).toEqual(done(null));
  });

  test("is there after the environment is opened again", async () => {
    const call = callOf("increment", { key: "n", by: 1 });
    await kv.act(call);
    await durable.close();
    durable = openDurable(folder, log);
    kv = kvActing(operations, durable, () => clock);
    expect(await kv.act(call)).toEqual(done({ value: 1 }));
    expect(await act("increment", { key: "n", by: 1 })).toEqual(done({ value: 2 }));
  });
});

test("a read leaves no record", async () => {
  const call = callOf("get", { key: "k" });
  await kv.act({ ...call, epoch: 5 });
  expect(durable.table("effects").get(call.key)).toBeUndefined();
});

test("a declaration that names no command, or calls a write a read, stops the process", () => {
  const change = (action: object, effect: "read" | "write"): Operations => {
    const get = operations.get("kv:get");
    if (get === undefined) throw new Error("kv:get is not declared.");
    return new Map([["kv:get", { ...get, effect, action: action as never }]]);
  };
  for (const wrong of [
    change({ command: "flush" }, "read"),
    change({ command: "constructor" }, "read"),
    change({ command: "set" }, "read"),
  ])
    expect(() => kvActing(wrong, durable, () => clock)).toThrow(ConfigError);
});
