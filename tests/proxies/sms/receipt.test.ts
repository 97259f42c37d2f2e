/** Receipts: what counts as one, and what a stranger's words in it can do. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answeredId, RECEIPT_CHARS_MAX, readReceipt, states } from "../../../proxies/sms/receipt.ts";

const says = (message: string, rest: object = {}) => ({ esm_class: 4, short_message: { message }, ...rest });
const TEXT =
  "id:1452489299 sub:001 dlvrd:001 submit date:2611222034 done date:2611222034 stat:DELIVRD err:000 text:hello";

test("one of appendix B is read", () => {
  expect(readReceipt(says(TEXT), "same")).toEqual({ id: "1452489299", state: "delivered", reference: undefined });
});

test("ids that are written in decimal are those the SMSC answered in hexadecimal", () => {
  expect(readReceipt(says(TEXT), "decimal")?.id).toBe("56933a53");
  expect(answeredId("56933A53", "decimal")).toBe("56933a53");
  expect(answeredId("0056933a53", "decimal")).toBe("56933a53");
  expect(answeredId("56933A53", "same")).toBe("56933A53");
  expect(readReceipt(says("id:56933a53 stat:DELIVRD"), "decimal")).toBeUndefined();
});

test("parameters come before text", () => {
  const pdu = says(TEXT, { receipted_message_id: "abc", message_state: 5, user_message_reference: 77 });
  expect(readReceipt(pdu, "same")).toEqual({ id: "abc", state: "undeliverable", reference: 77 });
  const alone = { esm_class: 4, receipted_message_id: "abc", message_state: 2 };
  expect(readReceipt(alone, "same")).toMatchObject({ id: "abc", state: "delivered" });
});

test.each([
  ["ENROUTE", "en_route"],
  ["DELIVRD", "delivered"],
  ["EXPIRED", "expired"],
  ["DELETED", "deleted"],
  ["UNDELIV", "undeliverable"],
  ["ACCEPTD", "accepted"],
  ["UNKNOWN", "unknown"],
  ["REJECTD", "rejected"],
])("%s is %s", (word, state) => {
  expect(readReceipt(says(`id:1 stat:${word}`), "same")?.state).toBe(state);
});

describe("no receipt", () => {
  test.each([
    ["a message of somebody", { ...says(TEXT), esm_class: 0 }],
    ["an intermediate notification", { ...says(TEXT), esm_class: 0x20 }],
    ["an acknowledgement of a phone", { ...says(TEXT), esm_class: 0x08 }],
    ["one without an id", says("stat:DELIVRD")],
    ["one without a state", says("id:1 sub:001")],
    ["one with a state of its own", says("id:1 stat:HAPPIER")],
    ["a state nobody has numbered", { ...says(TEXT), message_state: 9 }],
    ["a state that is none, before one that is", { ...says(TEXT), message_state: "2x" }],
    ["an id of control characters", { ...says(TEXT), receipted_message_id: "a\u0001" }],
    ["an id too long", { ...says(TEXT), receipted_message_id: "a".repeat(65) }],
    ["bytes", { esm_class: 4, short_message: { message: Buffer.from(TEXT) } }],
    ["nothing", {}],
  ])("%s", (_, pdu) => {
    expect(readReceipt(pdu, "same")).toBeUndefined();
  });

  test("an id of 64 characters is one", () => {
    expect(readReceipt({ ...says(TEXT), receipted_message_id: "a".repeat(64) }, "same")).toBeDefined();
  });

  test("a text is read to RECEIPT_CHARS_MAX and no further", () => {
    expect(readReceipt(says("id:1 stat:DELIVRD text:".padEnd(RECEIPT_CHARS_MAX, "x")), "same")).toBeDefined();
    expect(readReceipt(says("id:1 stat:DELIVRD text:".padEnd(RECEIPT_CHARS_MAX + 1, "x")), "same")).toBeUndefined();
  });
});

test("a customer's text that a receipt quotes says nothing", () => {
  expect(readReceipt(says("id:1 stat:UNDELIV text:stat:DELIVRD"), "same")?.state).toBe("undeliverable");
  expect(readReceipt(says("id:1 text:stat:DELIVRD"), "same")).toBeUndefined();
  expect(readReceipt(says("sub:001 Text:id:1 stat:DELIVRD"), "same")).toBeUndefined();
});

test("whatever an SMSC sends, a receipt has a printable id and a state of the list", () => {
  const part = fc.constantFrom("id:", "stat:", "DELIVRD", "text:", " ", "7", "deadbeef", "\0");
  const field = fc.oneof(
    fc.array(part).map((parts) => ({ message: parts.join("") })),
    fc.anything(),
  );
  const pdu = fc.record({
    esm_class: fc.oneof(fc.constant(4), fc.anything()),
    short_message: field,
    message_payload: field,
    receipted_message_id: fc.option(fc.oneof(fc.string(), fc.anything()), { nil: undefined }),
    message_state: fc.option(fc.oneof(fc.integer({ min: 0, max: 10 }), fc.anything()), { nil: undefined }),
    user_message_reference: fc.anything(),
  });
  fc.assert(
    fc.property(pdu, fc.constantFrom("same", "decimal"), (given, ids) => {
      const receipt = readReceipt(given, ids);
      if (receipt === undefined) return;
      expect(receipt.id).toMatch(/^[!-~]{1,64}$/);
      expect(states).toContain(receipt.state);
    }),
    { numRuns: 2000 },
  );
});
