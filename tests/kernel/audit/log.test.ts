import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ENTRY_BYTES_MAX, LOGGED_FIELDS_MAX, LOGGED_TOKENS_MAX } from "../../../kernel/abi/bounds.ts";
import { ENTRY_VERSION, type Entry } from "../../../kernel/abi/entry.ts";
import { fieldsOf, tokensOf } from "../../../kernel/abi/entry-fields.ts";
import { append, lastTime, leafHash, logSize, readLog } from "../../../kernel/audit/log.ts";
import { now, openWorld, type World } from "../world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const task = (n: number) => `task_${n.toString(32).padStart(16, "0")}`;
const add = (entry: Partial<Entry> = {}) =>
  now(world, () =>
    append(world.store, { schema: ENTRY_VERSION, time: world.clock.now, verb: "sign_in", ...ALLOWED, ...entry }),
  );
const ALLOWED = { decision: "allowed" } as const;
const PLACE = { assignment: `asgn_${"0".repeat(16)}`, step: 1 };
const of = (n: number) => ({ verb: "outcome" as const, task: task(n), ...PLACE, decision: "refused" as const });

test("entries have indexes from 0, canonical JSON and the leaf hash of RFC 6962", () => {
  expect([add(), add({ who: "maria" })]).toEqual([0, 1]);
  const record = world.store.audit.get(1);
  expect(record?.entry).toBe(
    `{"decision":"allowed","schema":1,"time":${world.clock.now},"verb":"sign_in","who":"maria"}`,
  );
  const leaf = createHash("sha256")
    .update("\0")
    .update(record?.entry ?? "")
    .digest("hex");
  expect(record?.leaf).toBe(leaf);
  expect(leafHash("")).toBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
});

test.each([
  ["free text in a field of its own", { text: "Dear John" }],
  ["free text as a person", { who: "John Smith" }],
  ["free text as a code", { code: "not a code" }],
  ["a value as a token", { tokens: ["john@example.org"] }],
  ["a value as a field", { fields: ["John Smith"] }],
  ["a verb that is not on the list", { verb: "think" }],
  ["a capability of another form", { capability: "John:Smith" }],
])("%s is no entry: what it belongs to does not happen", (_, wrong) => {
  expect(() =>
    now(world, () => {
      world.store.meta.put("decided", true);
      append(world.store, { schema: ENTRY_VERSION, time: 1, verb: "sign_in", ...ALLOWED, ...wrong } as Entry);
    }),
  ).toThrow("The audit entry");
  expect([logSize(world.store), world.store.meta.has("decided")]).toEqual([0, false]);
});

test("of the names the vault reports, only tokens and field names come through", () => {
  const names = ["[NAME_1]", "[EMAIL_12]", "tok_0123abcd", "John", "[john_1]", "[NAME_0]"];
  expect(tokensOf(names)).toEqual(["[NAME_1]", "[EMAIL_12]", "tok_0123abcd"]);
  expect(fieldsOf(["email", "John Smith", "order_2"])).toEqual(["email", "order_2"]);
});

test("the log of one task is read in pages, in order, without any other's", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (which, limit) => {
      const from = logSize(world.store);
      const added = which.map((n) => add(of(n)));
      for (const n of [0, 1, 2]) {
        const pages: number[] = [];
        for (let next: number | null = from; next !== null; ) {
          const page = readLog(world.store, { task: task(n), from: next, limit });
          expect(page.entries.length).toBeLessThanOrEqual(limit);
          pages.push(...page.entries.map(({ index }) => index));
          next = page.next;
        }
        expect(pages).toEqual(added.filter((_, place) => which[place] === n));
      }
    }),
    { numRuns: 30 },
  );
});

const largest = {
  task: task(1),
  verb: "outcome",
  ...PLACE,
  case: `case_${"0".repeat(16)}`,
  capability: `${"a".repeat(31)}:${"b".repeat(31)}`,
  arguments: "a".repeat(64),
  role: "r".repeat(40),
  tokens: Array.from({ length: LOGGED_TOKENS_MAX }, () => `[${"T".repeat(12)}_999999]`),
  fields: Array.from({ length: LOGGED_FIELDS_MAX }, () => "f".repeat(64)),
  ledger: Array.from({ length: 64 }, () => ({
    scope: "customer_day" as const,
    measure: "m".repeat(31),
    unit: "USD",
    amount: -Number.MAX_SAFE_INTEGER,
    total: -Number.MAX_SAFE_INTEGER,
  })),
} as const;

test("the largest entry there can be fits into an entry bundle", () => {
  const entry = world.store.audit.get(add(largest))?.entry ?? "";
  expect(Buffer.byteLength(entry)).toBeLessThan(ENTRY_BYTES_MAX);
  expect(() => add({ ...largest, fields: [...largest.fields, "one"] })).toThrow("The audit entry");
  expect(() => add({ ...largest, tokens: [...largest.tokens, "[NAME_1]"] })).toThrow("The audit entry");
});

test("the whole log is read in pages", () => {
  for (let n = 0; n < 5; n++) add();
  const read = (from: number) => readLog(world.store, { task: null, from, limit: 2 });
  expect([read(0).next, read(2).next, read(4).next, read(9).next]).toEqual([2, 4, null, null]);
  expect(read(4).entries.map(({ index }) => index)).toEqual([4]);
  expect(lastTime(world.store)).toBe(world.clock.now);
});
