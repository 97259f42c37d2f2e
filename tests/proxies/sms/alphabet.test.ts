/** The alphabet of SMS against the tables of 3GPP TS 23.038 and another implementation of them. */
import fc from "fast-check";
import smpp from "smpp";
import { describe, expect, test } from "vitest";
import { encodeText } from "../../../proxies/sms/alphabet.ts";

const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION = "^{}\\[~]|€";
const inGsm = fc.string({ unit: fc.constantFrom(...BASIC, ...EXTENSION), maxLength: 300 });

test.each([
  ["@", "00"],
  ["Ç", "09"],
  ["Å", "0e"],
  ["Δ", "10"],
  ["É", "1f"],
  [" ", "20"],
  ["¤", "24"],
  ["¡", "40"],
  ["Ä", "5b"],
  ["§", "5f"],
  ["¿", "60"],
  ["à", "7f"],
  ["€", "1b65"],
  ["[", "1b3c"],
  ["\\", "1b2f"],
  ["|", "1b40"],
])("%j is %s", (char, hex) => {
  expect(encodeText(char)).toMatchObject({ coding: 0, bytes: Buffer.from(hex, "hex") });
});

test("every text of the alphabet is read back as it was written, by code that is not ours", () => {
  fc.assert(
    fc.property(inGsm, (text) => {
      const { coding, bytes } = encodeText(text);
      expect(coding).toBe(0);
      expect(bytes.every((septet) => septet < 0x80)).toBe(true);
      expect((smpp.encodings as unknown as Codecs).ASCII.decode(bytes)).toBe(text);
    }),
  );
});
type Codecs = { ASCII: { decode(bytes: Buffer): string } };

test("any other text is UCS-2 and is read back as it was written", () => {
  const other = fc.string({ unit: "grapheme", minLength: 1 }).map((text) => `${text}ж`.normalize("NFC"));
  fc.assert(
    fc.property(other, (text) => {
      const { coding, bytes } = encodeText(text);
      expect(coding).toBe(8);
      expect(new TextDecoder("utf-16be").decode(bytes)).toBe(text);
    }),
  );
});

test.each(["ç", "\u001b", "\f", "`", "’", "á"])("%j has no place in the alphabet", (char) => {
  expect(encodeText(char).coding).toBe(8);
});

test("what is written as two characters and is one counts as one", () => {
  expect(encodeText("u\u0308")).toEqual(encodeText("ü"));
});

describe("a text takes", () => {
  test.each([
    ["a", 160, 1],
    ["a", 161, 2],
    ["a", 306, 2],
    ["a", 307, 3],
    ["€", 80, 1],
    ["€", 81, 2],
    ["ж", 70, 1],
    ["ж", 71, 2],
    ["ж", 134, 2],
    ["ж", 135, 3],
    ["🎁", 35, 1],
    ["🎁", 36, 2],
  ])("%s %i times: %i SMS", (char, times, parts) => {
    expect(encodeText(char.repeat(times)).parts).toBe(parts);
  });
});
