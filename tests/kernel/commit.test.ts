import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { groupCommit } from "../../kernel/commit.ts";
import { openStore, type Store } from "../../kernel/store.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-commit-"));
  store = openStore(folder);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function counting() {
  const counted = { transactions: 0 };
  const transaction = <T>(work: () => T): T => {
    counted.transactions++;
    return store.transaction(work);
  };
  return { counted, ...groupCommit({ transaction }) };
}

test("decisions of one turn are one transaction, in the order they came", async () => {
  const { counted, commit } = counting();
  const order: number[] = [];
  const values = await Promise.all([1, 2, 3].map((n) => commit(() => order.push(n))));
  expect([order, values, counted.transactions]).toEqual([[1, 2, 3], [1, 2, 3], 1]);
});

test("a decision sees what an earlier one of the same group wrote", async () => {
  const { commit } = counting();
  const [, seen] = await Promise.all([commit(() => store.meta.put("n", 1)), commit(() => store.meta.get("n"))]);
  expect(seen).toBe(1);
});

test("nothing is answered before the transaction is over", async () => {
  let written = false;
  const { commit } = groupCommit({
    transaction(work) {
      const value = store.transaction(work);
      written = true;
      return value;
    },
  });
  await commit(() => 1);
  expect(written).toBe(true);
});

test("a decision that throws leaves nothing of its group, and nothing is decided after it", async () => {
  const { commit } = counting();
  const group = [commit(() => store.meta.put("a", 1)), commit(() => expect.fail("defect"))];
  const ends = await Promise.allSettled(group);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(commit(() => store.meta.put("b", 1))).rejects.toThrow("defect");
  expect(store.meta.all()).toEqual([]);
});

test("what rides along is written before what comes after it, in the same transaction", async () => {
  const { counted, commit, ride } = counting();
  ride(() => store.meta.put("n", 1));
  expect(store.meta.has("n")).toBe(false);
  expect([await commit(() => store.meta.get("n")), counted.transactions]).toEqual([1, 1]);
});

test("what rides along and finds no group is written alone, soon", async () => {
  const { counted, ride } = counting();
  ride(() => store.meta.put("a", 1));
  ride(() => store.meta.put("b", 1));
  await vi.waitFor(() => expect(store.meta.all()).toHaveLength(2));
  expect(counted.transactions).toBe(1);
});
