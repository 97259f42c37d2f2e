/** Numbers: one international number, or nobody. */
import { expect, test } from "vitest";
import { makeCustomers } from "../../../console/trial/customers.ts";
import { recipientOf, senderOf } from "../../../proxies/sms/address.ts";

const international = (address: string) => ({ ton: 1, npi: 1, address });

test.each([
  ["+49 30 23125 001", "493023125001"],
  ["+44 (0)20 7946 0123", "442079460123"],
  ["+1 (202) 555-0143", "12025550143"],
  ["+33.1.99.00.12.34", "33199001234"],
])("%s is %s", (value, digits) => {
  expect(recipientOf(value)).toEqual(international(digits));
});

test.each([
  "030 23125 001",
  "0049 30 23125 001",
  "(202) 555-0143",
  "+49 110",
  "+49 30 23125 001 ext. 5",
  "+49 30 23125 001, +49 30 23125 002",
  "call +49 30 23125 001",
  "+0 30 23125 001",
  "+999 30 23125 001",
  "+1 202 555 01",
  "+1 202 555 01433",
  `+49${"1".repeat(20)}`,
  "+49 30 23125 001\0",
  "Maria",
  "",
])("%j is nobody's number", (value) => {
  expect(recipientOf(value)).toBeUndefined();
});

test("every customer of the trial can be reached", () => {
  for (const { phone } of makeCustomers(1000, Math.random))
    expect(recipientOf(phone)?.address, phone).toBe(phone.replace(/\D/g, ""));
});

test.each([
  ["+493023125001", international("493023125001")],
  ["70707", { ton: 3, npi: 0, address: "70707" }],
  ["Shop & Co", { ton: 5, npi: 0, address: "Shop & Co" }],
  ["ABCDEFGHIJK", { ton: 5, npi: 0, address: "ABCDEFGHIJK" }],
  ["ABCDEFGHIJKL", undefined],
  ["123456789", undefined],
  ["Shöp", undefined],
  ["a\0b", undefined],
  ["", undefined],
])("from %j", (from, address) => {
  expect(senderOf(from)).toEqual(address);
});
