import { expect, test } from "vitest";
import { phoneOf, phonesIn } from "../../../proxies/vault/phones.ts";

test("the spellings of one number are one number", () => {
  const keys = ["+1 202-555-0143", "(202) 555-0143", "202.555.0143", "+12025550143"].map((text) => phoneOf(text)?.key);
  expect(new Set(keys)).toEqual(new Set(["+12025550143"]));
  expect(phoneOf("+49 151 12345678")?.tail).toBe("15112345678");
});

test("what has too few digits is no number", () => {
  expect(phoneOf("12345")).toBeUndefined();
  expect(phoneOf("")).toBeUndefined();
  expect(phoneOf("none")).toBeUndefined();
});

const found = (text: string) => phonesIn(text).map(([from, to]) => text.slice(from, to));

test("anybody's number is found, order ids, dates and amounts are not", () => {
  expect(found("call (202) 555-0143 or +49 151 12345678.")).toEqual(["(202) 555-0143", "+49 151 12345678"]);
  expect(found("order o12345678 of 2024-11-22, 247.50 usd, 1 of 3")).toEqual([]);
});

test("a heap of digits costs a bounded time, and what is beyond it is hidden unasked", () => {
  const heap = "12345678 x ".repeat(25_000);
  const start = performance.now();
  const spans = phonesIn(heap);
  expect(performance.now() - start).toBeLessThan(3000);
  expect(spans.length).toBeGreaterThan(20_000);
});
