/** What the end of a conversation with the mail server means. */
import { expect, test } from "vitest";
import { meaningOf } from "../../../proxies/email/smtp.ts";

test.each([
  ["the recipient is refused for good", { code: "EENVELOPE", responseCode: 550 }, false, "rejected"],
  ["the recipient is refused for now", { code: "EENVELOPE", responseCode: 451 }, false, "deferred"],
  ["DATA is refused for good", { code: "EENVELOPE", responseCode: 554 }, false, "rejected"],
  ["the connection breaks before the message", { code: "ECONNECTION" }, false, "deferred"],
  ["nothing is said before the message", { code: "ETIMEDOUT" }, false, "deferred"],
  ["the address is none", { code: "EENVELOPE" }, false, "rejected"],
  ["the message is larger than the server takes", { code: "EMESSAGE" }, false, "rejected"],
  ["the message is refused for good", { code: "EMESSAGE", responseCode: 554 }, true, "rejected"],
  ["the message is refused for now", { code: "EMESSAGE", responseCode: 452 }, true, "deferred"],
  ["the connection breaks after the message was begun", { code: "ECONNECTION" }, true, "unknown"],
  ["the connection breaks with half a reply", { code: "ECONNECTION", responseCode: 554 }, true, "unknown"],
  ["nothing is said after the message", { code: "ETIMEDOUT" }, true, "unknown"],
  ["the server says what is no reply", { code: "EMESSAGE", responseCode: false as const }, true, "unknown"],
])("%s", (_, failure, begun, meaning) => {
  expect(meaningOf(failure, begun)).toBe(meaning);
});
