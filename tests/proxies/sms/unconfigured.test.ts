/** The SMS proxy of an appliance that has no SMSC: it serves, and sends nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";

let sms: ProxyProcess;
beforeAll(async () => {
  sms = await startProxyProcess("sms");
});
afterAll(() => sms?.end());

const message = { to: "[PHONE_1]", text: "Hello" };
const given = { values: { to: "+49 30 23125 001", text: "Hello" }, customer: "C0042" };
const send = { capability: "sms:send" };

test("a message is refused with a sentence, for good", async () => {
  const refusal = { end: "refused", code: "CONFLICT", message: expect.stringContaining("no SMS service") };
  expect(await sms.act(send, message, given)).toMatchObject(refusal);
  expect(await sms.act({ ...send, epoch: 2 }, message, given)).toMatchObject(refusal);
});

test("what was refused did not happen, and its epoch is remembered", async () => {
  expect(await sms.decide({ ...send, epoch: 3 }, message)).toEqual(done({ decided: "void", result: null }));
  expect(await sms.act({ ...send, epoch: 2 }, message, given)).toMatchObject({ code: "PERMIT_EXPIRED" });
});

test("nothing is known of any message", async () => {
  expect(await sms.act({ capability: "sms:status" }, { message: "sms_1" })).toMatchObject({ code: "NOT_FOUND" });
});

test("it says so in its log, and stops in order", async () => {
  expect(sms.log()).toContain("no SMSC is configured");
  expect(await sms.stop()).toBe(0);
});
