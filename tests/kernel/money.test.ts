import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMoney, parseMoney } from "../../kernel/money.ts";

const currency = fc.constantFrom("USD", "EUR", "JPY", "KWD", "VND", "BHD");
const minor = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("money", () => {
  test("is read in minor units of its currency", () => {
    expect(parseMoney("500.00 USD")).toEqual({ minor: 50_000, currency: "USD" });
    expect(parseMoney("500 USD")).toEqual({ minor: 50_000, currency: "USD" });
    expect(parseMoney("0.05 EUR")).toEqual({ minor: 5, currency: "EUR" });
    expect(parseMoney("500 JPY")).toEqual({ minor: 500, currency: "JPY" });
    expect(parseMoney("1.234 KWD")).toEqual({ minor: 1234, currency: "KWD" });
  });

  test("written and read again is the same", () => {
    fc.assert(
      fc.property(minor, currency, (minor, currency) => {
        expect(parseMoney(formatMoney(minor, currency))).toEqual({ minor, currency });
      }),
    );
  });

  test("keeps its order when it is read", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.integer({ min: 0, max: 99 }), (whole, cents) => {
        const text = `${whole}.${String(cents).padStart(2, "0")} USD`;
        expect(parseMoney(text)?.minor).toBe(whole * 100 + cents);
      }),
    );
  });

  test("is exact up to the largest safe integer and refused one above", () => {
    expect(parseMoney("90071992547409.91 USD")?.minor).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseMoney("90071992547409.92 USD")).toBeNull();
    expect(parseMoney("9007199254740991 JPY")?.minor).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseMoney("9007199254740992 JPY")).toBeNull();
  });

  const refused = [
    "",
    "500",
    "USD",
    "500.0 USD",
    "500.000 USD",
    "500.00USD",
    "500.00  USD",
    " 500.00 USD",
    "500.00 USD ",
    "500.00 USD\n",
    "500.00 usd",
    "500.00 US",
    "500.00 USDT",
    "500.00 XXX",
    "500.00 ABC",
    "500 ABC",
    "-500.00 USD",
    "+500.00 USD",
    "0500.00 USD",
    "00 USD",
    "5e2 USD",
    "0x10 USD",
    "1,000.00 USD",
    "1_000.00 USD",
    "500,00 USD",
    ".50 USD",
    "500. USD",
    "500.5 JPY",
    "500.00 JPY",
    "1.23 KWD",
    "５００.00 USD",
    "٥٠٠.00 USD",
    "500.00\u00a0USD",
    "NaN USD",
    "Infinity USD",
    "500.00 USD 1",
    "99999999999999999 USD",
    "500.00 constructor",
    "$500.00",
  ];
  for (const text of refused) {
    test(`${JSON.stringify(text)} is not money`, () => expect(parseMoney(text)).toBeNull());
  }

  test("no text that is not exactly an amount and a currency is read", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 24 }), (text) => {
        const money = parseMoney(text);
        if (money !== null) expect(text).toMatch(/^[0-9]+(\.[0-9]+)? [A-Z]{3}$/);
      }),
    );
  });

  test("less than nothing and an unknown currency are shown without a wrong figure", () => {
    expect(formatMoney(-5, "USD")).toBe("-0.05 USD");
    expect(formatMoney(5, "ZZZ")).toBe("5 minor units of ZZZ");
    expect(formatMoney(5, "")).toBe("5 minor units of ");
  });

  test("nothing is shown as nothing", () => {
    expect(formatMoney(0, "USD")).toBe("0.00 USD");
  });
});
