import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Case, Click, Lease } from "../../kernel/records.ts";
import { RECORDS_MAX } from "../../kernel/remembered.ts";
import { openStore, type Store } from "../../kernel/store.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-remembered-"));
  store = openStore(folder);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const matter = (entries: number): Case => ({
  case: "case_0000000000000000",
  frontend: "shop",
  customer: null,
  subject: null,
  opened: 0,
  entries,
  table_bytes: 0,
});
const place: Lease = {
  ...{ assignment: "asgn_0000000000000000", epoch: 1, cell: "cell_0000000000000000", slot: 0, incarnation: "a" },
  ...{ claimed: 0, expires: 1, deadline: 1, base_key: "b", task_key: "t", first_step: 1, click: null },
};
const line = { entry: "{}", leaf: "" };
const write = (work: () => void) => store.transaction(work);

test("a record that was read is the one that was written last", () => {
  write(() => store.cases.put("a", matter(1)));
  expect(store.cases.get("a")?.entries).toBe(1);
  write(() => store.cases.put("a", matter(2)));
  expect(store.cases.get("a")?.entries).toBe(2);
  write(() => void store.cases.remove("a"));
  expect(store.cases.get("a")).toBeUndefined();
});

test("what a transaction read and then threw away is not remembered", () => {
  write(() => store.cases.put("a", matter(1)));
  const attempt = () =>
    write(() => {
      store.cases.put("a", matter(2));
      expect(store.cases.get("a")?.entries).toBe(2);
      throw new Error("too late");
    });
  expect(attempt).toThrow("too late");
  expect(store.cases.get("a")?.entries).toBe(1);
});

test("a record that was read cannot be changed in memory", () => {
  write(() => store.cases.put("a", matter(1)));
  const read = store.cases.get("a") as Case;
  expect(() => {
    read.entries = 7;
  }).toThrow(TypeError);
});

test("nor can what a record holds", () => {
  const click = { person: "maria", tool: "refund", arguments: { amount: 1 } };
  write(() => store.leases.put("a", { ...place, click }));
  const read = store.leases.get("a")?.click as Click;
  expect(() => {
    read.arguments["amount"] = 7;
  }).toThrow(TypeError);
});

test(`a table of ${RECORDS_MAX} records, and of one more, is read as it is`, () => {
  const names = Array.from({ length: RECORDS_MAX + 1 }, (_, n) => `case-${n}`);
  write(() => {
    for (const [n, name] of names.entries()) store.cases.put(name, matter(n));
  });
  for (let round = 0; round < 2; round++)
    expect(names.map((name) => store.cases.get(name)?.entries)).toEqual([...names.keys()]);
});

test("the last index is the one that was written last, and not one that was thrown away", () => {
  expect(store.audit.last()).toBeUndefined();
  write(() => store.audit.put(0, line));
  expect(store.audit.last()).toBe(0);
  const attempt = () =>
    write(() => {
      store.audit.put(1, line);
      expect(store.audit.last()).toBe(1);
      throw new Error("too late");
    });
  expect(attempt).toThrow("too late");
  expect(store.audit.last()).toBe(0);
  write(() => store.audit.put(1, line));
  write(() => store.audit.put(0, line));
  expect(store.audit.last()).toBe(1);
  write(() => void store.audit.remove(1));
  expect(store.audit.last()).toBe(0);
});
