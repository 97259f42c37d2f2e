import fc from "fast-check";
import { expect, test } from "vitest";
import { compileArguments } from "../../../kernel/abi/arguments.ts";
import { type Json, parseExact } from "../../../kernel/abi/json.ts";
import type { Argument } from "../../../kernel/abi/operations.ts";

const declared: Record<string, Argument> = {
  order: { type: "string", class: "public", pattern: "O[0-9]{1,9}" },
  amount: { type: "integer", class: "public", minimum: 1, maximum: 1_000_000 },
  currency: { type: "string", class: "public", enum: ["USD"] },
  to: { type: "string", class: "email", optional: true, recipient: true },
  note: { type: "string", class: "text", optional: true, max_length: 20 },
  tags: { type: "array", class: "public", optional: true, max_items: 2, max_length: 3 },
  names: { type: "array", class: "name", optional: true },
  urgent: { type: "boolean", class: "public", optional: true },
};
const check = compileArguments({ arguments: declared });
const good = { order: "O1", amount: 500, currency: "USD" };

test("declared arguments pass unchanged", () => {
  const given = { ...good, to: "[EMAIL_1]", note: "Dear [NAME_1]", tags: ["a"], names: ["[NAME_2]"], urgent: true };
  expect(check(given)).toEqual({ end: "done", value: given });
});

const refusals: [string, Json, string][] = [
  [
    "an unknown argument",
    { ...good, customer: "C1" },
    'The argument "customer" is unknown. This operation takes: order, amount, currency, to, note, tags, names, urgent.',
  ],
  [
    "a prototype's name",
    JSON.parse('{"order":"O1","amount":1,"currency":"USD","toString":1}'),
    '"toString" is unknown',
  ],
  [
    "an own __proto__",
    JSON.parse('{"order":"O1","amount":1,"currency":"USD","__proto__":{"x":1}}'),
    '"__proto__" is unknown',
  ],
  ["a missing argument", { order: "O1", currency: "USD" }, 'The argument "amount" is missing'],
  ["a number as text", { ...good, amount: "500" }, 'The argument "amount" must be integer'],
  ["text for a flag", { ...good, urgent: "yes" }, 'The argument "urgent" must be boolean.'],
  ["a fraction", { ...good, amount: 1.5 }, 'The argument "amount" must be integer'],
  ["one under the minimum", { ...good, amount: 0 }, "must be >= 1"],
  ["one over the maximum", { ...good, amount: 1_000_001 }, "must be <= 1000000"],
  ["digits of another script", { ...good, order: "O١٢" }, "must match pattern"],
  ["a pattern's text with more behind it", { ...good, order: "O1\n" }, "must match pattern"],
  ["a value not in the list", { ...good, currency: "EUR" }, "must be one of: USD"],
  ["text over its length", { ...good, note: "x".repeat(21) }, "must NOT have more than 20 characters"],
  ["too many items", { ...good, tags: ["a", "b", "c"] }, "must NOT have more than 2 items"],
  ["an item over its length", { ...good, tags: ["a", "bbbb"] }, 'Item 2 of the argument "tags"'],
  ["something nested", { ...good, note: { text: "x" } }, "must be string"],
  ["null", { ...good, note: null }, "must be string"],
  ["an address where a token must stand", { ...good, to: "a@b.example" }, "must be exactly one token, as [EMAIL_1]"],
  ["a number where a token must stand", { ...good, to: 5 }, 'The argument "to" must be string.'],
  [
    "more tokens than an undeclared bound allows",
    { ...good, names: Array.from({ length: 101 }, () => "[NAME_1]") },
    'The argument "names" must NOT have more than 100 items.',
  ],
  ["a token with text round it", { ...good, to: "[EMAIL_1] " }, "must be exactly one token"],
  ["two tokens in one", { ...good, to: "[EMAIL_1][EMAIL_2]" }, "must be exactly one token"],
  ["a token of another class", { ...good, to: "[NAME_1]" }, "must be exactly one token"],
  ["a token's second spelling", { ...good, to: "[EMAIL_01]" }, "must be exactly one token"],
  [
    "an item that is no token",
    { ...good, names: ["[NAME_1]", "Ann"] },
    'Item 2 of the argument "names" must be exactly',
  ],
  ["a token in a public argument", { ...good, tags: ["[NAME_1]"] }, 'Item 1 of the argument "tags" must NOT have more'],
  ["a lone surrogate", { ...good, note: "\ud800" }, "lone surrogate"],
  ["U+0000", { ...good, note: "a\0b" }, "U+0000"],
  ["no object", [], "The arguments must be one object."],
  ["nothing", null, "The arguments must be one object."],
];

test.each(refusals)("%s is refused, naming argument and rule", (_, given, sentence) => {
  const end = check(given);
  expect(end).toMatchObject({ end: "refused", code: "ARGUMENT_INVALID" });
  expect(end.end === "refused" ? end.message : "").toContain(sentence);
});

const open = compileArguments({ arguments: { key: { type: "string", class: "public" } } });

test.each(["[NAME_1]", "a [email_2] b", "［ＮＡＭＥ＿１］", "[NA\u200bME_1]", "[ Name - 3 ]", "tok_8f3k2abc"])(
  "a public argument takes nothing that looks like a token: %s",
  (text) => {
    expect(open({ key: text })).toMatchObject({ code: "ARGUMENT_INVALID" });
  },
);

test.each(["[1]", "list[3]", "NAME_1", "tokens_8f3k2abc", "[a_b]"])(
  "a public argument takes ordinary text: %s",
  (text) => {
    expect(open({ key: text })).toMatchObject({ end: "done" });
  },
);

test("bounds hold at N and N+1", () => {
  const bounded = compileArguments({
    arguments: { text: { type: "string", class: "text", max_length: 5, min_length: 2 } },
  });
  expect(["x", "xx", "xxxxx", "xxxxxx"].map((text) => bounded({ text }).end)).toEqual([
    "refused",
    "done",
    "done",
    "refused",
  ]);
  const unbounded = compileArguments({ arguments: { n: { type: "integer", class: "public" } } });
  expect(unbounded({ n: Number.MAX_SAFE_INTEGER }).end).toBe("done");
  expect(unbounded({ n: Number.MAX_SAFE_INTEGER + 1 }).end).toBe("refused");
});

test("an operation without arguments takes none and says so", () => {
  const none = compileArguments({ arguments: {} });
  expect(none({})).toEqual({ end: "done", value: {} });
  expect(none({ order: "O1" })).toMatchObject({
    message: 'The argument "order" is unknown. This operation takes: none.',
  });
});

test("all values of a list are named where none of them was given", () => {
  const listed = compileArguments({ arguments: { kind: { type: "string", class: "public", enum: ["a", "b"] } } });
  expect(listed({ kind: "c" })).toMatchObject({ message: 'The argument "kind" must be one of: a, b.' });
});

test("what every object inherits is no argument that was given", () => {
  const inherited = new Map<string, Argument>([["toString", { type: "string", class: "text" }]]);
  const named = compileArguments({ arguments: Object.fromEntries(inherited) });
  expect(named({})).toMatchObject({ message: expect.stringContaining('The argument "toString" is missing.') });
});

test("nothing undeclared ever passes", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<Json>), (extra) => {
      const end = check({ ...extra, ...good });
      if (end.end === "done") expect(Object.keys(declared)).toEqual(expect.arrayContaining(Object.keys(end.value)));
    }),
  );
});

test("1e309 never gets here: exact JSON refuses it first", () => {
  expect(() => parseExact('{"amount":1e309}')).toThrow("out of range");
});
