import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { difference, isolationDifference, limitText } from "../../../console/cli/grant-text.ts";
import { block, count, list, localTime, printable, table } from "../../../console/cli/text.ts";

describe("a table", () => {
  test("aligns columns, numbers to the right, and shows what is missing", () => {
    const text = table(
      ["INDEX", "WHO"],
      [
        [7, "maria"],
        [1234, null],
      ],
    );
    expect(text).toBe("INDEX  WHO\n    7  maria\n 1234  -");
  });

  test("has one line a row whatever is in the cells", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.integer()), { maxLength: 20 }), (rows) => {
        expect(table(["A", "B"], rows).split("\n")).toHaveLength(rows.length + 1);
      }),
    );
  });
});

test("nothing an agent wrote can steer the terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(block("answer", text)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    }),
  );
  expect(printable("\u001b[2Jgone\u202e")).toBe("\\u001b[2Jgone\\u202e");
});

test("names and values stand under each other", () => {
  expect(
    list([
      ["a", 1],
      ["long", "two"],
    ]),
  ).toBe("a     1\nlong  two");
});

test("times are the reader's own", () => {
  expect(localTime(new Date(2026, 10, 2, 3, 4, 5).getTime())).toBe("2026-11-02 03:04:05");
});

test("counts agree with their noun", () => {
  expect([count(1, "step"), count(0, "step"), count(2, "entry", "entries")]).toEqual([
    "1 step",
    "0 steps",
    "2 entries",
  ]);
});

describe("limits in words", () => {
  test.each([
    [{ measure: "amount", scope: "call", unit: "USD", max: 50_000 }, "amount: at most 500.00 USD a call"],
    [{ measure: "amount", scope: "customer_day", unit: "USD", max: 5 }, "amount: at most 0.05 USD a customer and day"],
    [{ measure: "amount", scope: "role_day", unit: "JPY", max: 700 }, "amount: at most 700 JPY a day"],
    [{ measure: "amount", scope: "task", unit: "KWD", max: 1 }, "amount: at most 0.001 KWD a task"],
    [{ measure: "calls", scope: "task", unit: null, max: 3 }, "calls: at most 3 a task"],
  ] as const)("%o", (limit, words) => expect(limitText(limit)).toBe(words));
});

describe("the difference an administrator approves", () => {
  const limit = (max: number) => ({ measure: "calls", scope: "task", unit: null, max }) as const;

  test("of a first request is everything it asks for", () => {
    expect(difference({ "kv:get": [], "email:send": [limit(3)] }, null)).toEqual([
      "  email:send  calls: at most 3 a task",
      "  kv:get",
    ]);
  });

  test("marks what is new and what goes, and a raised limit as both", () => {
    const granted = { "kv:get": [], "email:send": [limit(3)] };
    expect(difference({ "email:send": [limit(30)], "order:read": [] }, granted)).toEqual([
      "- email:send  calls: at most 3 a task",
      "+ email:send  calls: at most 30 a task",
      "- kv:get",
      "+ order:read",
    ]);
  });

  test("of the same request is nothing", () => {
    const same = { "kv:get": [limit(1)] };
    expect(difference(same, same).filter((line) => !line.startsWith("  "))).toEqual([]);
  });

  test("says what holds the cells, and shows a change of it as both; people bring none", () => {
    expect(isolationDifference({ asked: "gvisor", approved: null })).toEqual(["  cells held by gvisor"]);
    expect(isolationDifference({ asked: "gvisor", approved: "gvisor" })).toEqual(["  cells held by gvisor"]);
    expect(isolationDifference({ asked: "nspawn", approved: "gvisor" })).toEqual([
      "+ cells held by nspawn",
      "- cells held by gvisor",
    ]);
    expect(isolationDifference({ asked: null, approved: null })).toEqual([]);
  });
});
