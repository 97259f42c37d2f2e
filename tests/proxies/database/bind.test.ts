/** The rewriter of declared SQL: parameters are replaced, and nothing that only looks like one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BindError, bindNames } from "../../../proxies/database/bind.ts";

test("each name is one parameter, however often it stands there", () => {
  expect(bindNames("select :order, :amount where id = :order")).toEqual({
    text: "select $1, $2 where id = $1",
    names: ["order", "amount"],
  });
});

const untouched: [string, string][] = [
  ["a string", "select ':a'"],
  ["a string with a quote inside", "select 'it''s :a'"],
  ["a string that ends in a backslash", "select 'c:\\', ':a'"],
  ["an E-string with an escaped quote", "select E'it\\'s :a', e':b'"],
  ["a quoted name", 'select ":a", "x"":b"'],
  ["a dollar quote", "select $$ :a ' $$"],
  ["a dollar quote with a tag", "select $q$ :a $$ :b $q$"],
  ["a line comment", "select 1 -- :a '\n"],
  ["a block comment", "select /* :a ' */ 1"],
  ["nested block comments", "select /* /* */ :a */ 1"],
  ["a cast", "select x::text, y ::bigint"],
  ["a slice", "select a[1:2]"],
  ["an assignment", "call f(x := 1)"],
  ["a word that ends in e before a string", "select date':a'"],
  ["a dollar inside a word", "select a$b$c"],
];

test.each(untouched)("%s stays as it is", (_, sql) => {
  expect(bindNames(sql)).toEqual({ text: sql.trim(), names: [] });
});

test("a parameter is found directly beside what is not one", () => {
  expect(bindNames("select :a::text,':a':b--:c\n||:c/*:d*/+:d").text).toBe("select $1::text,':a'$2--:c\n||$3/*:d*/+$4");
});

test.each([
  ["a second statement", "select 1; drop table x"],
  ["a positional parameter", "select $1"],
  ["an open string", "select 'a"],
  ["an open quoted name", 'select "a'],
  ["an open comment", "select /* /* */ 1"],
  ["an open dollar quote", "select $q$ a $$"],
  ["U+0000", "select \0"],
])("%s is refused", (_, sql) => {
  expect(() => bindNames(sql)).toThrow(BindError);
});

describe("any mixture of forms", () => {
  const inert = fc.constantFrom(...untouched.map(([, sql]) => `${sql.replace(/^select /, "")}\n`));
  const name = fc.constantFrom("a", "b", "order", "x_1");
  const piece = fc.oneof(
    inert.map((text) => ({ text, name: undefined })),
    name.map((found) => ({ text: `:${found}`, name: found })),
  );

  test("keeps every inert form and numbers every parameter", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const names = [...new Set(pieces.flatMap((part) => part.name ?? []))];
        const expected = pieces.map(({ text, name: found }) => (found ? `$${names.indexOf(found) + 1}` : text));
        const bound = bindNames(pieces.map(({ text }) => text).join(" "));
        expect(bound).toEqual({ text: expected.join(" ").trim(), names });
      }),
    );
  });

  test("never fails in another way than BindError", () => {
    const char = fc.constantFrom(..."':\"$-/*eE;\\ \nab1[]\0");
    fc.assert(
      fc.property(fc.string({ unit: char, maxLength: 40 }), (sql) => {
        try {
          bindNames(sql);
        } catch (error) {
          expect(error).toBeInstanceOf(BindError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
