/** What may differ between the permitted arguments and those that are acted: what stands for a token, and nothing else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VALUE_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import type { Argument } from "../../../kernel/abi/operations.ts";
import { changedArgument, hydrates } from "../../../proxies/proxy/unchanged.ts";

const argument = (type: Argument["type"], fieldClass: Argument["class"]): Argument => ({ type, class: fieldClass });
const operation = {
  arguments: {
    order: argument("string", "public"),
    amount: argument("integer", "public"),
    express: argument("boolean", "public"),
    tags: argument("array", "public"),
    to: argument("string", "email"),
    note: argument("string", "text"),
    lines: argument("array", "text"),
    kept: argument("string", "sealed"),
  },
};
const permitted = {
  order: "O1234",
  amount: 24_750,
  express: true,
  tags: ["a", "b"],
  to: "[EMAIL_1]",
  note: "Dear [NAME_1], all is well.",
  lines: ["[NAME_1]", "plain"],
  kept: "the plain text",
};
const values = {
  ...permitted,
  to: "maria@example.org",
  note: "Dear Maria, all is well.",
  lines: ["Maria", "plain"],
  kept: "c2VhbGVk_-",
};

test("arguments with values for their tokens are the permitted ones", () => {
  expect(changedArgument(operation, permitted, values)).toBeUndefined();
});

const changes: [string, Record<string, unknown>][] = [
  ["another order", { order: "O9999" }],
  ["a token where none was", { order: "[NAME_1]" }],
  ["a token's value where a public text was", { order: "O123" }],
  ["a larger amount", { amount: 70_000 }],
  ["an amount as text", { amount: "24750" }],
  ["another flag", { express: false }],
  ["one tag more", { tags: ["a", "b", "c"] }],
  ["an item that is a list", { tags: ["a", ["b"]] }],
  ["no list at all", { tags: "a,b" }],
  ["an empty recipient", { to: "" }],
  ["a recipient that is a list", { to: ["a@example.org", "b@example.org"] }],
  ["other words after the token", { note: "Dear Maria, all is lost." }],
  ["other words before the token", { note: "Fear Maria, all is well." }],
  ["an empty value for a token", { note: "Dear , all is well." }],
  ["a value with U+0000", { note: "Dear Ma\0ria, all is well." }],
  ["a value with half a character", { note: "Dear Ma\ud800ria, all is well." }],
  ["other words in a text without tokens", { lines: ["Maria", "plane"] }],
  ["plain text where the seal should be", { kept: "the plain text" }],
];

test.each(changes)("%s is noticed", (_, change) => {
  const changed = { ...values, ...change } as typeof values;
  expect(changedArgument(operation, permitted, changed)).toBe(Object.keys(change)[0]);
});

test("an argument that is missing, added or inherited is noticed", () => {
  const { order: _, ...missing } = values;
  expect(changedArgument(operation, permitted, missing)).toBe("order");
  expect(changedArgument(operation, permitted, { ...values, extra: 1 })).toBe("extra");
  expect(changedArgument(operation, permitted, Object.create(values))).toBe("order");
});

test("an argument that nobody declared is noticed, a prototype's name included", () => {
  for (const name of ["spare", "constructor"])
    expect(changedArgument(operation, { [name]: "x" }, { [name]: "x" })).toBe(name);
});

describe("a hydrated text", () => {
  const token = fc.constantFrom("[NAME_1]", "[EMAIL_2]", "[OTHER_999999]", "tok_0123abcd");
  const plain = fc.string({ maxLength: 20 }).filter((text) => !/[[\]]|tok_/.test(text));
  // A word character next to a customer token would make it another word, so plain parts are set apart.
  const template = fc
    .array(fc.tuple(plain, token), { minLength: 1, maxLength: 6 })
    .chain((pairs) => fc.tuple(fc.constant(pairs), plain));
  const value = fc.string({ minLength: 1, maxLength: 40 });

  test("is accepted whatever stands for the tokens", () => {
    fc.assert(
      fc.property(template, fc.array(value, { minLength: 6, maxLength: 6 }), ([pairs, tail], given) => {
        const text = `${pairs.map(([before, name]) => `${before} ${name} `).join("")}${tail}`;
        const hydrated = `${pairs.map(([before], at) => `${before} ${given[at]} `).join("")}${tail}`;
        expect(hydrates(text, hydrated)).toBe(true);
      }),
    );
  });

  test("is refused when what stands before the first or after the last token differs", () => {
    fc.assert(
      fc.property(template, value, ([pairs, tail], given) => {
        const text = `<${pairs.map(([before, name]) => `${before} ${name} `).join("")}${tail}>`;
        const hydrated = `<${pairs.map(([before]) => `${before} ${given} `).join("")}${tail}>`;
        expect(hydrates(text, `x${hydrated.slice(1)}`)).toBe(false);
        expect(hydrates(text, `${hydrated.slice(0, -1)}x`)).toBe(false);
      }),
    );
  });

  const between: [text: string, value: string, isHydrated: boolean][] = [
    ["[NAME_1] owes [NAME_2] ten", "Ann owes Bob ten", true],
    ["[NAME_1] owes [NAME_2] ten", "Ann owns Bob ten", false],
    ["[NAME_1] a [NAME_2] b [NAME_3]", "Ann a Bob b Cleo", true],
    ["[NAME_1] a [NAME_2] b [NAME_3]", "Ann b Bob a Cleo", false],
    ["[NAME_1] a [NAME_2] a [NAME_3]", "Ann a Bob and Cleo", false],
    ["[NAME_1]a[NAME_2]", "xay", true],
    ["[NAME_1]a[NAME_2]", "aay", true],
    ["[NAME_1]a[NAME_2]", "axy", false],
    ["[NAME_1]a[NAME_2]", "xya", false],
    ["[NAME_1]a[NAME_2]b[NAME_3]", "xabyz", false],
    ["[NAME_1]a[NAME_2]b[NAME_3]", "xaybz", true],
    ["[NAME_1]ab[NAME_2]ab[NAME_3]", "xababyz", false],
    ["[NAME_1]ab[NAME_2]ab[NAME_3]", "xabyabz", true],
    ["a[NAME_1]b[NAME_2]c", "axbyc", true],
    ["a[NAME_1]b[NAME_2]b", "axyzb", false],
    ["b[NAME_1]b[NAME_2]c", "bxyzc", false],
    ["ab[NAME_1]b[NAME_2]c", "abxyzc", false],
    ["a[NAME_1]b[NAME_2]bc", "axyzbc", false],
    ["[NAME_1][NAME_2]", "xy", true],
    ["[NAME_1][NAME_2]", "x", false],
    ["aa[NAME_1]aa", "aaa", false],
    ["aa[NAME_1]aa", "aaaa", false],
    ["aa[NAME_1]aa", "aaaaa", true],
  ];
  test.each(between)("%j hydrated to %j: %j", (text, value, isHydrated) => {
    expect(hydrates(text, value)).toBe(isHydrated);
  });

  test("without tokens is itself and nothing else", () => {
    fc.assert(
      fc.property(plain, plain, (text, other) => {
        expect(hydrates(text, other)).toBe(text === other);
        expect(hydrates(text, text)).toBe(true);
      }),
    );
  });

  test("holds at most VALUE_CHARS_MAX characters for a token", () => {
    const long = "x".repeat(VALUE_CHARS_MAX);
    expect(hydrates("Dear [NAME_1] and [NAME_2].", `Dear ${long} and ${long}.`)).toBe(true);
    expect(hydrates("Dear [NAME_1] and [NAME_2].", `Dear ${long} and ${long}x.`)).toBe(false);
    expect(hydrates("[NAME_1]", "x".repeat(VALUE_CHARS_MAX))).toBe(true);
    expect(hydrates("[NAME_1]", "x".repeat(VALUE_CHARS_MAX + 1))).toBe(false);
  });
});

test("a public text is itself, whatever it holds that looks like a token", () => {
  const kept = { ...permitted, order: "O[NAME_1]4" };
  expect(changedArgument(operation, kept, { ...values, order: "O[NAME_1]4" })).toBeUndefined();
  expect(changedArgument(operation, kept, { ...values, order: "O1234" })).toBe("order");
});

test("a value of a personal class stands for its token whatever it is", () => {
  const plain = { ...permitted, to: "[EMAIL_1]" };
  for (const to of ["x", "[EMAIL_1]", "maria@example.org, max@example.org"])
    expect(changedArgument(operation, plain, { ...values, to })).toBeUndefined();
});

test("a number is itself, of whatever class", () => {
  const counted = { arguments: { count: argument("integer", "text") } };
  expect(changedArgument(counted, { count: 5 }, { count: 5 })).toBeUndefined();
  expect(changedArgument(counted, { count: 5 }, { count: 6 })).toBe("count");
});

test("a value of a personal class has at most VALUE_CHARS_MAX characters", () => {
  const at = (length: number) => changedArgument(operation, permitted, { ...values, to: "x".repeat(length) });
  expect(at(VALUE_CHARS_MAX)).toBeUndefined();
  expect(at(VALUE_CHARS_MAX + 1)).toBe("to");
});
