import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openSeal, type Purpose, SEAL_BYTES, seal } from "../../../proxies/vault/case-seal.ts";

const key = randomBytes(32);
const table = { case: "case_0123456789abcdef", purpose: "table" as Purpose };

test("what is sealed opens to the same text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const sealed = seal(key, table, text, randomBytes);
      expect(openSeal(key, table, sealed)).toBe(text.toWellFormed());
      expect(Buffer.from(sealed, "base64url").length).toBe(SEAL_BYTES + Buffer.byteLength(text));
    }),
  );
});

test("a seal opens for nothing else: another key, case, purpose, step", () => {
  const outcome = { case: table.case, purpose: "outcome/asgn_0123456789abcdef/3" as Purpose };
  const sealed = seal(key, outcome, "{}", randomBytes);
  expect(openSeal(key, outcome, sealed)).toBe("{}");
  expect(openSeal(randomBytes(32), outcome, sealed)).toBeUndefined();
  expect(openSeal(key, { ...outcome, case: "case_0123456789abcdeg" }, sealed)).toBeUndefined();
  expect(openSeal(key, { ...outcome, purpose: "outcome/asgn_0123456789abcdef/4" }, sealed)).toBeUndefined();
  expect(openSeal(key, table, sealed)).toBeUndefined();
});

test("one changed bit anywhere, or a cut, and it does not open", () => {
  const bytes = Buffer.from(seal(key, table, "Ann Miller", randomBytes), "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(openSeal(key, table, changed.toString("base64url"))).toBeUndefined();
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(openSeal(key, table, bytes.subarray(0, length).toString("base64url"))).toBeUndefined();
  }
});

test("two seals of one text have nothing in common", () => {
  expect(seal(key, table, "Ann", randomBytes).slice(2)).not.toBe(seal(key, table, "Ann", randomBytes).slice(2));
});
