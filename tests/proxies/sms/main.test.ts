/** The SMS proxy as its own process, sealed, with a real SMSC behind a wire that can fail. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";
import { client, fresh, NUMBER, on, sentId, until } from "./calls.ts";
import { answerWith, COMMAND } from "./pdu.ts";
import { openSmsc, type Smsc } from "./smsc.ts";

let smsc: Smsc;
let sms: ProxyProcess;
const { send, decide, status } = client(() => sms);

beforeAll(async () => {
  smsc = await openSmsc({ references: false });
  sms = await startProxyProcess("sms", { "smpp.json": smsc.credential });
});
beforeEach(() => smsc.judge(() => "pass"));
afterAll(async () => {
  await sms?.end();
  await smsc?.end();
});

test("a message arrives once, as it was written, from the shop, with a receipt asked for", async () => {
  const end = await send(fresh(), "all is well: 247.50 USD");
  expect(end).toEqual(done({ result: { message: expect.stringMatching(/^sms_[0-9a-f]{40}$/) } }));
  const [message, ...more] = await smsc.messages("all is well", 1);
  expect(more).toEqual([]);
  expect(message).toEqual({
    from: { ton: 5, npi: 0, address: "Shop" },
    to: { ton: 1, npi: 1, address: "493023125001" },
    registered: 1,
    coding: 0,
    bytes: Buffer.from("all is well: 247.50 USD"),
    long: false,
    reference: undefined,
  });
});

test("a receipt says what became of it, to its own case alone", async () => {
  const message = sentId(await send(fresh(), "receipt"));
  expect(await status(message)).toBe("accepted");
  expect(await until(() => status(message), "delivered")).toBe("delivered");
  expect(await status(message, "case_0000000000000002")).toMatchObject({ code: "NOT_FOUND" });
  expect(await status("sms_unheard_of")).toMatchObject({ code: "NOT_FOUND" });
});

test("a text outside the GSM alphabet arrives in UCS-2", async () => {
  expect(await send(fresh(), "Grüße, Ελένη 🎁")).toMatchObject({ end: "done" });
  const [message] = await smsc.messages("Ελένη 🎁", 1);
  expect(message).toMatchObject({ coding: 8, long: false });
});

test.each([
  ["GSM", "g", 1530, 1530],
  ["UCS-2", "ж", 670, 1340],
])("a long %s text arrives whole, in one piece", async (name, letter, length, octets) => {
  const text = `${name} `.padEnd(length, letter);
  expect(await send(fresh(), text)).toMatchObject({ end: "done" });
  const [message, ...more] = await smsc.messages(text, 1);
  expect(more).toEqual([]);
  expect(message).toMatchObject({ long: true });
  expect(message?.bytes).toHaveLength(octets);
  expect(await send(fresh(), `${text}${letter}`)).toMatchObject({ code: "ARGUMENT_INVALID" });
});

describe("an effect", () => {
  test("happens once, however often and from how many sides it is asked for", async () => {
    const terms = fresh();
    const ends = await Promise.all(Array.from({ length: 5 }, () => send(terms, "five times")));
    for (const end of ends) expect(end).toEqual(ends[0]);
    expect(await send({ ...terms, epoch: 2 }, "five times")).toEqual(ends[0]);
    expect(await smsc.messages("five times", 1)).toHaveLength(1);
  });

  test("under an older epoch than was seen is refused", async () => {
    const terms = { ...fresh(), epoch: 5 };
    await send(terms, "epoch");
    expect(await send({ ...terms, epoch: 4 }, "epoch")).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await decide({ ...terms, epoch: 4 })).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await decide({ ...terms, epoch: 6 })).toMatchObject({ value: { decided: "happened" } });
  });

  test("decided void stays undone, until a newer epoch asks for it", async () => {
    const terms = fresh();
    expect(await decide(terms)).toEqual(done({ decided: "void", result: null }));
    expect(await send(terms, "void")).toMatchObject({ code: "CONFLICT" });
    expect(await smsc.messages("void", 0)).toEqual([]);
    expect(await send({ ...terms, epoch: 2 }, "void")).toMatchObject({ end: "done" });
    expect(await smsc.messages("void", 1)).toHaveLength(1);
  });
});

describe("attacks", () => {
  test.each([
    ["no number", "Maria"],
    ["a number without its country", "030 23125 001"],
    ["two numbers", "+49 30 23125 001, +49 30 23125 002"],
    ["a service number", "110"],
    ["an address that ends its field", "+493023125001\0+493023125002"],
  ])("%s is no recipient, and nothing is sent", async (_, to) => {
    expect(await send(fresh(), "nobody", to)).toMatchObject({ end: "refused" });
    expect(await smsc.messages("nobody", 0)).toEqual([]);
  });

  test("a text with a control character is refused", async () => {
    expect(await send(fresh(), "bell\u0007")).toMatchObject({ code: "ARGUMENT_INVALID" });
    expect(await smsc.messages("bell", 0)).toEqual([]);
  });

  test("other words than the permitted ones are refused", async () => {
    const words = { to: "[PHONE_1]", text: "Your refund" };
    const values = { to: NUMBER, text: "Your prize" };
    const end = await sms.act(fresh(), words, { values, customer: "C0042" });
    expect(end).toMatchObject({ code: "PERMIT_INVALID" });
    expect(await smsc.messages("prize", 0)).toEqual([]);
  });

  test("a text that speaks like a receipt delivers nothing", async () => {
    const quoted = "id:1 stat:UNDELIV text:";
    const message = sentId(await send(fresh(), quoted));
    expect(await until(() => status(message), "delivered")).toBe("delivered");
  });
});

describe("before the message leaves", () => {
  test("an SMSC that is gone means later; once it is back the same call sends one message", async () => {
    const terms = fresh();
    await smsc.stopWire();
    expect(await send(terms, "gone")).toMatchObject({ end: "later" });
    await smsc.startWire();
    expect(await until(async () => (await send(terms, "gone")).end, "done", 20_000)).toBe("done");
    expect(await smsc.messages("gone", 1)).toHaveLength(1);
  });

  test.each([
    ["throttled", 0x58, "later"],
    ["a full queue", 0x14, "later"],
    ["a system error", 0x08, "later"],
    ["a wrong destination", 0x0b, "refused"],
    ["a refused submission", 0x45, "refused"],
  ])("%s is an answer: %i means %s, and the message may be sent anew", async (name, code, end) => {
    const terms = fresh();
    smsc.judge(on(COMMAND.submit_sm, (pdu) => ({ answer: answerWith(pdu, code) })));
    expect(await send(terms, name)).toMatchObject({ end });
    smsc.judge(() => "pass");
    expect(await decide(terms)).toMatchObject({ value: { decided: "void" } });
    expect(await send({ ...terms, epoch: 2 }, name)).toMatchObject({ end: "done" });
    expect(await smsc.messages(name, 1)).toHaveLength(1);
  });
});

describe("after the message left", () => {
  test("a connection that breaks before the answer is UNKNOWN_OUTCOME, for every attempt after it, and one message", async () => {
    const terms = fresh();
    smsc.judge(on(COMMAND.submit_sm_resp, "cut"));
    expect(await send(terms, "cut off")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    smsc.judge(() => "pass");
    expect(await send({ ...terms, epoch: 2 }, "cut off")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await decide({ ...terms, epoch: 3 })).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await smsc.messages("cut off", 1)).toHaveLength(1);
  });

  test("a message that never reached the SMSC is UNKNOWN_OUTCOME as well, and none", async () => {
    const terms = fresh();
    smsc.judge(on(COMMAND.submit_sm, "cut"));
    expect(await send(terms, "on the way")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    smsc.judge(() => "pass");
    expect(await decide({ ...terms, epoch: 2 })).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await smsc.messages("on the way", 0)).toEqual([]);
  });

  test("kill -9 of the proxy before the answer is the same", async () => {
    const terms = fresh();
    smsc.judge(on(COMMAND.submit_sm_resp, "hold"));
    const first = send(terms, "killed late");
    await smsc.held();
    await sms.kill9();
    expect(await first).toEqual({ end: "lost" });
    smsc.judge(() => "pass");
    await sms.restart();
    expect(await send({ ...terms, epoch: 2 }, "killed late")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await decide({ ...terms, epoch: 2 })).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await smsc.messages("killed late", 1)).toHaveLength(1);
  });

  test("kill -9 at any instant in between: once at most, and never twice for who asks again", async () => {
    for (const instant of [0, 1, 2, 4, 8, 16]) {
      const [terms, words] = [fresh(), `instant ${instant}!`];
      const first = send(terms, words);
      await sleep(instant);
      await sms.kill9();
      await first;
      await sms.restart();
      const second = await until(
        async () => {
          const end = await send({ ...terms, epoch: 2 }, words);
          return end.end === "refused" ? end.code : end.end;
        },
        "done",
        1500,
      );
      const arrived = await smsc.messages(words, 1);
      if (second === "done") expect(arrived).toHaveLength(1);
      else expect([second, arrived.length <= 1]).toEqual(["UNKNOWN_OUTCOME", true]);
    }
  });

  test("kill -9 of the proxy while it binds leaves nothing, and the next attempt sends", async () => {
    const terms = fresh();
    smsc.judge(on(COMMAND.bind_transceiver_resp, "hold"));
    smsc.cut();
    await smsc.held();
    const first = send(terms, "killed early");
    await sleep(100);
    await sms.kill9();
    expect(await first).toEqual({ end: "lost" });
    smsc.judge(() => "pass");
    await sms.restart();
    expect(await send({ ...terms, epoch: 2 }, "killed early")).toMatchObject({ end: "done" });
    expect(await smsc.messages("killed early", 1)).toHaveLength(1);
  });

  test("kill -9 after the answer: the next attempt gets the recorded one, and its receipt still counts", async () => {
    const terms = fresh();
    const first = await send(terms, "killed after");
    await sms.kill9();
    await sms.restart();
    expect(await send({ ...terms, epoch: 2 }, "killed after")).toEqual(first);
    expect(await smsc.messages("killed after", 1)).toHaveLength(1);
    expect(await until(() => status(sentId(first)), "delivered")).toBe("delivered");
  });
});

test("its log holds nothing personal", () => {
  expect(sms.log()).toContain("accepted");
  expect(sms.log()).not.toMatch(/23125|all is well|refund|Ελένη/);
});

test("what an SMSC delivers that is no receipt is told no", () => {
  expect(sms.log()).toContain("no receipt");
});
