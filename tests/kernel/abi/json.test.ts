import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_DEPTH_MAX } from "../../../kernel/abi/bounds.ts";
import { canonical, digest, InexactJson, type Json, parseExact } from "../../../kernel/abi/json.ts";

const memberName = fc
  .string({ unit: "grapheme" })
  .filter((name) => !["__proto__", "constructor", "prototype"].includes(name));
const exactNumber = fc
  .oneof(
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -9_007_199_254_740_991, max: 9_007_199_254_740_991 }),
  )
  .filter((value) => !Object.is(value, -0));
const { value: exactJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    exactNumber,
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(memberName, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

describe("parseExact", () => {
  test("reads whatever JSON.stringify writes of an exact value", () => {
    fc.assert(
      fc.property(exactJson, (value) => {
        expect(parseExact(JSON.stringify(value))).toEqual(value);
      }),
    );
  });

  test("never reads anything JSON.parse would not", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\ 01-.eEtrufalsn') }), (text) => {
        let exact: Json;
        try {
          exact = parseExact(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InexactJson);
          return;
        }
        expect(exact).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses a member that appears twice, wherever it is and however it is spelled", () => {
    const escaped = (name: string) =>
      Array.from(name, (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,8}$/), exactJson, exactJson, (name, first, second) => {
        const twice = `{"${name}":${JSON.stringify(first)},"x y":[{}],"${escaped(name)}":${JSON.stringify(second)}}`;
        expect(() => parseExact(`[0,${twice}]`)).toThrow(/appears twice/);
      }),
    );
  });

  test("takes no text that is not a member's name for one", () => {
    for (const text of ['"__proto__"', '["a","a","__proto__"]', '[{"a":"a"},"a","a"]', '{"a":["a","a"],"b":"a"}'])
      expect(parseExact(text)).toEqual(JSON.parse(text));
  });

  test("lets the same name stand in two objects", () => {
    expect(parseExact('{"a":{"a":1},"b":[{"a":2},{"a":3}]}')).toEqual({ a: { a: 1 }, b: [{ a: 2 }, { a: 3 }] });
  });

  test.each(["__proto__", "constructor", "prototype", "\\u005f_proto__"])("refuses the member name %s", (name) => {
    expect(() => parseExact(`{"a":{"${name}":{"admin":true}}}`)).toThrow(/not allowed/);
  });

  test.each([
    "1.50",
    "1e2",
    "1E+2",
    "0.1",
    "0",
    "0.0",
    "0e9",
    "-1.5e-3",
    "9007199254740991",
    "100e-2",
    "5e-324",
    "1.500",
    "0.5e-1",
    "50E-3",
    "101",
    "-7",
  ])("reads the number %s", (source) => expect(parseExact(source)).toBe(Number(source)));

  test.each([
    "-0",
    "-0.0",
    "1e309",
    "-1e309",
    "1e-400",
    "9007199254740992",
    "-9007199254740992",
    "0.1000000000000000055511151231257827",
    "4503599627370496.3",
    "9.1919270620096301", // read as 9.191927062009631: a zero apart
    `0.${"0".repeat(60_000)}1`,
    `1${"0".repeat(60_000)}`,
  ])("refuses the number %.20s: its value is not what it says", (source) => {
    expect(() => parseExact(`[${source}]`)).toThrow(/out of range/);
  });

  test("reads a number of 64 characters and refuses one more, whatever its value", () => {
    expect(parseExact(`1.${"0".repeat(62)}`)).toBe(1);
    expect(() => parseExact(`1.${"0".repeat(63)}`)).toThrow(/out of range/);
  });

  test("names the place of what it refuses, and its error has a name", () => {
    const sentence = (message: string) => expect.objectContaining({ name: "InexactJson", message });
    expect(() => parseExact('{"amount":-0}')).toThrow(sentence('The number at "amount" is out of range.'));
    expect(() => parseExact('{"constructor":1}')).toThrow(sentence('The member name "constructor" is not allowed.'));
  });

  test.each(['"\\ud800"', '{"a":"x\\udc00"}', '{"\\ud83d":1}', '["\\ud83d\\ud83d\\ude00"]'])(
    "refuses half a surrogate pair: %s",
    (text) => {
      expect(() => parseExact(text)).toThrow(/surrogate/);
    },
  );

  test("reads a whole surrogate pair", () => {
    expect(parseExact('"\\ud83d\\ude00"')).toBe("😀");
  });

  test(`reads ${JSON_DEPTH_MAX} levels and refuses one more`, () => {
    expect(() => parseExact(nested(JSON_DEPTH_MAX))).not.toThrow();
    expect(() => parseExact(nested(JSON_DEPTH_MAX + 1))).toThrow(/nests deeper/);
  });

  test("refuses a nesting bomb without walking into it", () => {
    expect(() => parseExact("[".repeat(1_000_000))).toThrow(/nests deeper/);
  });

  test.each([
    "",
    " ",
    "{",
    '{"a"',
    '{"a":1,}',
    "[1,]",
    "{a:1}",
    "NaN",
    "01",
    "1.",
    "'a'",
    '"\u0001"',
    '"a',
    "\ufeff{}",
    "{} {}",
    '{"a":1 "b":2}',
    "[}",
    '{"\\x":1}',
    '{"\\u12":1}',
    '{"a":1,"b',
    "/**/1",
    "undefined",
  ])("refuses what is not JSON: %j", (text) => expect(() => parseExact(text)).toThrow(InexactJson));

  test("never quotes more than a little of what it refuses", () => {
    const long = "n".repeat(60_000);
    for (const text of [`{"${long}":1,"${long}":2}`, `{"${long}":-0}`, `{"${long}":"\\ud800"}`]) {
      expect(() => parseExact(text)).toThrow(expect.objectContaining({ message: expect.stringMatching(/^.{1,160}$/) }));
    }
  });
});

describe("canonical", () => {
  test("is the same for every order and spelling of one value", () => {
    fc.assert(
      fc.property(fc.dictionary(memberName, exactJson, { noNullPrototype: true }), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        const spaced = JSON.stringify(reversed, null, 2);
        expect(canonical(parseExact(spaced))).toBe(canonical(value));
      }),
    );
  });

  test("differs whenever the value differs, and so does its digest", () => {
    fc.assert(
      fc.property(exactJson, exactJson, (a, b) => {
        const isSame = canonical(a) === canonical(b);
        expect(digest(a) === digest(b)).toBe(isSame);
        if (isSame) expect(a).toEqual(b);
      }),
    );
  });

  test("sorts by UTF-16 code unit and writes no space (RFC 8785, 3.2.3)", () => {
    expect(canonical({ "\ufb33": 1, "😀": 2, "\u20ac": 3, "1": 4, "\r": 5 })).toBe(
      '{"\\r":5,"1":4,"€":3,"😀":2,"\ufb33":1}',
    );
    expect(canonical([1e21 / 10, 4.5, 0.002, 1e-27])).toBe("[100000000000000000000,4.5,0.002,1e-27]");
  });
});
