import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "../../kernel/store.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-store-"));
  store = openStore(folder);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a transaction that throws leaves nothing of what it wrote before", () => {
  const attempt = () =>
    store.transaction(() => {
      store.meta.put("a", 1);
      store.ledger.put(["task", "x"], 5);
      throw new Error("too late");
    });
  expect(attempt).toThrow("too late");
  expect(store.meta.has("a")).toBe(false);
  expect(store.ledger.all()).toEqual([]);
});

test("after a transaction that threw, the next one works", () => {
  expect(() => store.transaction(() => expect.fail("no"))).toThrow();
  store.transaction(() => store.meta.put("b", 2));
  expect(store.meta.get("b")).toBe(2);
});

test("nothing is written outside a transaction", () => {
  expect(() => store.meta.put("a", 1)).toThrow("inside a transaction");
  expect(() => store.meta.remove("a")).toThrow("inside a transaction");
});

test("transactions do not nest", () => {
  expect(() => store.transaction(() => store.transaction(() => 1))).toThrow("does not nest");
});

test("a transaction reads what it has written", () => {
  const read = store.transaction(() => {
    store.meta.put("a", 1);
    store.due.put(["role", 5, "task"], "x");
    store.due.remove(["role", 5, "task"]);
    return [store.meta.get("a"), store.due.under(["role"])];
  });
  expect(read).toEqual([1, []]);
});

test("under() finds exactly the longer keys, in order, from either side", () => {
  store.transaction(() => {
    for (const step of [10, 2, 1, 1000, 256]) store.open.put(["asgn_a", step], "t");
    store.open.put(["asgn_", 1], "t");
    store.open.put(["asgn_aa", 1], "t");
  });
  const steps = (options = {}) => store.open.under(["asgn_a"], options).map(({ key }) => (key as [string, number])[1]);
  expect(steps()).toEqual([1, 2, 10, 256, 1000]);
  expect(steps({ reverse: true, limit: 2 })).toEqual([1000, 256]);
});

test("what was committed is there after the store was opened again", async () => {
  store.transaction(() => store.meta.put("kept", true));
  await store.close();
  store = openStore(folder);
  expect(store.meta.get("kept")).toBe(true);
});
