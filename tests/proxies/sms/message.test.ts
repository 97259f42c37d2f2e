/** Messages: one recipient, visible words, and a bounded number of SMS. */
import { describe, expect, test } from "vitest";
import { composeMessage, messageId, PARTS_MAX } from "../../../proxies/sms/message.ts";

const from = { ton: 5, npi: 0, address: "Shop" };
const compose = (text: string, to = "+49 30 23125 001") =>
  composeMessage({ key: "task/asgn/1", values: { to, text } }, from);

test("a message says from whom, to whom, what and which", () => {
  expect(compose("Hello")).toMatchObject({
    end: "done",
    value: {
      id: messageId("task/asgn/1"),
      from,
      to: { address: "493023125001" },
      coding: 0,
      bytes: Buffer.from("Hello"),
    },
  });
});

test("every attempt at a call has the same id, another call another, and nobody can read it", () => {
  expect(messageId("task/asgn/1")).toBe(messageId("task/asgn/1"));
  expect(messageId("task/asgn/1")).not.toBe(messageId("task/asgn/2"));
  expect(messageId("task/asgn/1")).toMatch(/^sms_[0-9a-f]{40}$/);
});

test("a national number is refused with how to write it", () => {
  expect(compose("Hello", "030 23125 001")).toMatchObject({ code: "ARGUMENT_INVALID", message: /\+49/ });
});

test.each(["\0", "\u0007", "\u001b", "\f", "\u0085", "\u007f", "\t"])("a text with %j is refused", (char) => {
  expect(compose(`a${char}b`)).toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("line ends are kept", () => {
  expect(compose("a\r\nb\nc")).toMatchObject({ value: { bytes: Buffer.from("a\r\nb\nc") } });
});

describe(`a text of ${PARTS_MAX} SMS is taken, and one character more is not`, () => {
  test.each([
    ["a", 1530],
    ["€", 765],
    ["ж", 670],
  ])("%s", (char, most) => {
    expect(compose(char.repeat(most))).toMatchObject({ value: { parts: PARTS_MAX } });
    expect(compose(char.repeat(most + 1))).toMatchObject({ code: "ARGUMENT_INVALID" });
  });
});
