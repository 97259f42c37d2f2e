import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  close,
  forget,
  hasJournalRoom,
  JOURNAL_BYTES_MAX,
  nextStep,
  openSteps,
  record,
  recorded,
  renew,
  SMALL_BYTES,
  voided,
} from "../../kernel/journal.ts";
import type { JournalEntry, Outcome } from "../../kernel/records.ts";
import { openStore, type Store } from "../../kernel/store.ts";

const place = { task: "task_1", assignment: "asgn_1", step: 1 };
const total = ["task", "", "task_1"];
const effect: JournalEntry = {
  capability: "refund:create",
  digest: "d",
  arguments: { amount: 5 },
  proxy: "database",
  effect: "write",
  epoch: 1,
  at: 0,
  reserved: [{ key: ["task", "", "task_1", "refund-agent", "refund:create", "amount", "USD"], amount: 5 }],
  outcome: null,
};
const read: JournalEntry = { ...effect, effect: "read", arguments: {}, reserved: [] };
const refused: Outcome = { end: "refused", code: "CONFLICT", message: "No." };

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-journal-"));
  store = openStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const now = <T>(work: () => T) => store.transaction(work);
const bytes = () => store.journalBytes.get(place.assignment);
const spent = () => store.ledger.under(total).map(({ value }) => value);
const spend = (amount: number) => now(() => store.ledger.put(effect.reserved[0]?.key ?? total, amount));

test("a call is found under its step, of its assignment, and nowhere else", () => {
  now(() => record(store, place, effect));
  expect(recorded(store, place)).toEqual(effect);
  expect(recorded(store, { ...place, step: 2 })).toBeUndefined();
  expect(recorded(store, { ...place, assignment: "asgn_2" })).toBeUndefined();
});

describe("open", () => {
  test("is an effect without outcome until it has one, and nothing else", () => {
    now(() => {
      record(store, place, effect);
      record(store, { ...place, step: 2 }, read);
      record(store, { ...place, step: 3 }, { ...effect, outcome: refused });
      record(store, { ...place, step: 10 }, effect);
      record(store, { ...place, assignment: "asgn_2", step: 4 }, effect);
    });
    expect(openSteps(store, place.assignment)).toEqual([1, 10]);
    expect(store.open.get([place.assignment, 1])).toBe(place.task);
    now(() => close(store, place, effect, { end: "done", value: null }, true));
    expect(openSteps(store, place.assignment)).toEqual([10]);
  });

  test("is not ended by the outcome of a read, whatever stands under that step", () => {
    now(() => {
      record(store, place, effect);
      close(store, place, read, { end: "done", value: null }, true);
    });
    expect(openSteps(store, place.assignment)).toEqual([1]);
  });
});

test("a call that is permitted again keeps everything but its epoch, and when that was", () => {
  now(() => record(store, place, effect));
  expect(now(() => renew(store, place, effect, 7, 500))).toEqual({ ...effect, epoch: 7, renewed_at: 500 });
  expect(recorded(store, place)).toEqual({ ...effect, epoch: 7, renewed_at: 500 });
});

describe("an outcome", () => {
  test("that is kept leaves its reservation where it is", () => {
    spend(8);
    now(() => record(store, place, effect));
    expect(now(() => close(store, place, effect, { end: "unknown" }, true))).toEqual([]);
    expect(recorded(store, place)).toEqual({ ...effect, outcome: { end: "unknown" } });
    expect(spent()).toEqual([8]);
  });

  test("of what did not happen gives its reservation back, once, and says so", () => {
    spend(8);
    now(() => record(store, place, effect));
    const given = [{ scope: "task", measure: "amount", unit: "USD", amount: -5, total: 3 }];
    expect(now(() => close(store, place, effect, refused, false))).toEqual(given);
    const closed = recorded(store, place) ?? expect.fail("gone");
    expect(closed).toEqual({ ...effect, outcome: refused, reserved: [] });
    expect(now(() => close(store, place, closed, refused, false))).toEqual([]);
    expect(spent()).toEqual([3]);
  });
});

describe("what an assignment has recorded", () => {
  const large = (length: number) => ({ text: "x".repeat(length - JSON.stringify({ text: "" }).length) });

  test(`counts arguments of effects over ${SMALL_BYTES} bytes, as they are kept`, () => {
    now(() => record(store, place, { ...effect, arguments: large(SMALL_BYTES) }));
    now(() => record(store, place, { ...read, arguments: large(SMALL_BYTES + 1) }));
    expect(bytes()).toBeUndefined();
    now(() => record(store, place, { ...effect, arguments: large(SMALL_BYTES + 1) }));
    expect(bytes()).toBe(SMALL_BYTES + 1);
    now(() => record(store, place, { ...effect, arguments: { text: "é".repeat(SMALL_BYTES) } }));
    expect(bytes()).toBe(SMALL_BYTES + 1 + 2 * SMALL_BYTES + 11);
  });

  test(`counts sealed values over ${SMALL_BYTES} characters`, () => {
    const ended = (outcome: Outcome) => now(() => close(store, place, read, outcome, true));
    ended({ end: "done", value: "x".repeat(SMALL_BYTES) });
    ended({ end: "done", value: null });
    ended({ end: "refused", code: "CONFLICT", message: "x".repeat(2 * SMALL_BYTES) });
    expect(bytes()).toBeUndefined();
    ended({ end: "done", value: "x".repeat(SMALL_BYTES + 1) });
    expect(bytes()).toBe(SMALL_BYTES + 1);
  });

  test(`leaves room for another call below ${JOURNAL_BYTES_MAX} bytes`, () => {
    const holding = (count: number) => now(() => store.journalBytes.put(place.assignment, count));
    expect(hasJournalRoom(store, place.assignment)).toBe(true);
    holding(JOURNAL_BYTES_MAX - 1);
    expect(hasJournalRoom(store, place.assignment)).toBe(true);
    holding(JOURNAL_BYTES_MAX);
    expect(hasJournalRoom(store, place.assignment)).toBe(false);
    expect(hasJournalRoom(store, "asgn_2")).toBe(true);
    expect(JOURNAL_BYTES_MAX).toBe(67_108_864);
  });
});

test("the next step follows the highest one of this assignment", () => {
  expect(nextStep(store, place.assignment)).toBe(1);
  now(() => {
    for (const step of [1, 2, 10]) record(store, { ...place, step }, read);
    record(store, { ...place, assignment: "asgn_2", step: 30 }, read);
  });
  expect(nextStep(store, place.assignment)).toBe(11);
});

test("a forgotten call frees its step and what it had reserved, and leaves its neighbours alone", () => {
  spend(8);
  now(() => {
    for (const step of [1, 2]) record(store, { ...place, step }, effect);
    forget(store, place, effect);
  });
  expect(recorded(store, place)).toBeUndefined();
  expect(recorded(store, { ...place, step: 2 })).toEqual(effect);
  expect(openSteps(store, place.assignment)).toEqual([2]);
  expect(spent()).toEqual([3]);
});

test("a permit says up to which epoch a call did not happen, where a person decided that", () => {
  expect(voided(effect)).toStrictEqual({});
  expect(voided({ ...effect, void_until: 3 })).toEqual({ void_until: 3 });
});
