/** The same with an SMSC whose receipts carry the reference of their message: they prove what an answer did not. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";
import { client, fresh, on, sentId, until } from "./calls.ts";
import { COMMAND } from "./pdu.ts";
import { openSmsc, type Smsc } from "./smsc.ts";

let smsc: Smsc;
let sms: ProxyProcess;
const { send, decide, status } = client(() => sms);

beforeAll(async () => {
  smsc = await openSmsc({ references: true });
  sms = await startProxyProcess("sms", { "smpp.json": smsc.credential });
});
beforeEach(() => smsc.judge(() => "pass"));
afterAll(async () => {
  await sms?.end();
  await smsc?.end();
});

test("kill -9 of the proxy before the answer: the receipt proves that it happened, once", async () => {
  const terms = fresh();
  smsc.judge(on(COMMAND.submit_sm_resp, "hold"));
  const first = send(terms, "proved");
  await smsc.held();
  await sms.kill9();
  expect(await first).toEqual({ end: "lost" });
  smsc.judge(() => "pass");
  await sleep(1500);
  await sms.restart();
  const second = await send({ ...terms, epoch: 2 }, "proved");
  expect(second).toEqual(done({ result: { message: expect.stringMatching(/^sms_/) } }));
  expect(await decide({ ...terms, epoch: 2 })).toMatchObject({ value: { decided: "happened" } });
  expect(await status(sentId(second))).toBe("delivered");
  expect(await smsc.messages("proved", 1)).toHaveLength(1);
});

test("a lost answer alone does not stop the call: its receipt does for it", async () => {
  smsc.judge(on(COMMAND.submit_sm_resp, "hold"));
  const first = send(fresh(), "answer lost");
  await smsc.held();
  await sleep(1500);
  smsc.cut();
  expect(await first).toMatchObject({ end: "done" });
  expect(await smsc.messages("answer lost", 1)).toHaveLength(1);
});

test("without a receipt it stays UNKNOWN_OUTCOME", async () => {
  const terms = fresh();
  smsc.judge(on(COMMAND.submit_sm, "cut"));
  expect(await send(terms, "no receipt")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
  smsc.judge(() => "pass");
  expect(await decide({ ...terms, epoch: 2 })).toMatchObject({ code: "UNKNOWN_OUTCOME" });
  expect(await smsc.messages("no receipt", 0)).toEqual([]);
});

test("a message whose receipt has come is not proved by it again", async () => {
  const message = sentId(await send(fresh(), "ordinary"));
  expect(await until(() => status(message), "delivered")).toBe("delivered");
  expect(await smsc.messages("ordinary", 1)).toHaveLength(1);
});
