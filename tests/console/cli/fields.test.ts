import { describe, expect, test } from "vitest";
import { exits } from "../../../console/cli/exits.ts";
import { parseFields } from "../../../console/cli/fields.ts";

test("text, numbers and truths each have their spelling", () => {
  expect(parseFields(["order=O1234", "amount=247.50 USD", "count:=5", "urgent:=true", "note:=null", "eq=a=b"])).toEqual(
    {
      order: "O1234",
      amount: "247.50 USD",
      count: 5,
      urgent: true,
      note: null,
      eq: "a=b",
    },
  );
});

test("a field with a prototype's name is only a field", () => {
  const fields = parseFields(["constructor=x"]);
  expect(Object.hasOwn(fields, "constructor")).toBe(true);
});

describe("is refused as usage", () => {
  test.each([["novalue"], ["=x"], ["Upper=x"], ["count:={}"], ["count:=1e999"], ["count:=five"], ["__proto__=x"]])(
    "%s",
    (text) => {
      expect(() => parseFields([text])).toThrow(expect.objectContaining({ exit: exits.usage }));
    },
  );
  test("the same name twice", () => expect(() => parseFields(["a=1", "a=2"])).toThrow("given twice"));
});
