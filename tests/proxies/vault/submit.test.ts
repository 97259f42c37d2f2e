import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { later, refused } from "../../../kernel/abi/ends.ts";
import { ANN, Rig } from "./rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await new Rig().start();
});
afterEach(() => rig.stop());

test("the kernel gets tokens alone, and what the vault must remember sealed", async () => {
  const text = "I am Ann Miller (ANN@shop.example), call 202-555-0143 or bob@corp.example.";
  await rig.open({ text, fields: { order: "O1234", who: "Ann Miller", phone: 2025550143, urgent: true } });
  const [body] = rig.submitted;
  expect(body?.text).toBe("I am [NAME_1] ([EMAIL_1]), call [PHONE_1] or [EMAIL_2].");
  expect(body?.fields).toEqual({ order: "O1234", who: "[NAME_1]", phone: "[PHONE_1]", urgent: true });
  expect(body?.customer).toMatch(/^tok_[0-9a-z]{8}$/);
  expect(body?.sealed).toHaveLength(1);
  const crossed = JSON.stringify(body);
  for (const value of [...Object.values(ANN), '"C1"', "2025550143", "corp.example"])
    expect(crossed).not.toContain(value);
  const slots = readFileSync(join(rig.folder, "slots")).toString("latin1");
  for (const value of Object.values(ANN)) expect(slots).not.toContain(value);
});

test("an idempotency key made of a personal value does not reach the kernel readable, and still tells a repeat", async () => {
  const submission = rig.submission({ idempotency: "ann@shop.example/2026-11-22" });
  const first = await rig.ingress.request("submit", submission);
  const again = await rig.ingress.request("submit", submission);
  expect(rig.submitted[0]?.idempotency).toMatch(/^[0-9a-f]{64}$/);
  expect(rig.submitted[1]?.idempotency).toBe(rig.submitted[0]?.idempotency);
  expect(again).toMatchObject({
    end: "done",
    value: { task: first.end === "done" && first.value.task, duplicate: true },
  });
});

test("the customer's id in free text is the customer token, and comes back", async () => {
  rig.customers.set("C0042", { ...ANN });
  const opened = await rig.open({ customer: "C0042", text: "Customer c0042 here.", fields: { note: "of C0042" } });
  const { customer, text, fields } = rig.submitted[0] ?? {};
  expect(text).toBe(`Customer ${customer} here.`);
  expect(fields).toEqual({ note: `of ${customer}` });
  expect(await rig.deliver(opened.case, `Dear ${customer}`)).toMatchObject({ value: { text: "Dear C0042" } });
});

test("one customer has one subject in every case, and another token", async () => {
  await rig.open();
  await rig.open();
  await rig.open({ customer: "C2" });
  const [first, second, other] = rig.submitted;
  expect(first?.subject).toMatch(/^[0-9a-f]{64}$/);
  expect(second?.subject).toBe(first?.subject);
  expect(other?.subject).not.toBe(first?.subject);
  expect(second?.customer).not.toBe(first?.customer);
  expect(second?.case).not.toBe(first?.case);
});

test("an unknown customer is refused and no case stays open", async () => {
  const end = await rig.ingress.request("submit", rig.submission({ customer: "C99" }));
  expect(end).toMatchObject({ end: "refused", code: "CUSTOMER_UNKNOWN" });
  expect(rig.submitted).toHaveLength(0);
  expect(rig.keys.size).toBe(0);
});

test("work without a customer is a case without one", async () => {
  await rig.open({ customer: null, text: "write to someone@corp.example" });
  expect(rig.submitted[0]).toMatchObject({ customer: null, subject: null, text: "write to [EMAIL_1]" });
  expect(rig.acted).toHaveLength(0);
});

test("the same submission is one task, also when sent twice at once, and the case it would have opened is destroyed", async () => {
  const submission = rig.submission({ text: "hello" });
  const ends = await Promise.all([
    rig.ingress.request("submit", submission),
    rig.ingress.request("submit", submission),
  ]);
  const again = await rig.ingress.request("submit", submission);
  const tasks = [...ends, again].map((end) => (end.end === "done" ? end.value.task : end.end));
  expect(new Set(tasks).size).toBe(1);
  expect([...ends, again].map((end) => end.end === "done" && end.value.duplicate).sort()).toEqual([false, true, true]);
  expect(rig.keys.size).toBe(1);
});

test("the same key with other content reaches the kernel with another digest, and its case is destroyed", async () => {
  const submission = rig.submission({ text: "hello" });
  await rig.ingress.request("submit", submission);
  for (const change of [{ text: "hello!" }, { kind: "hello" }, { customer: "C2" }, { fields: { a: 1 } }]) {
    const end = await rig.ingress.request("submit", { ...submission, ...change });
    expect(end).toMatchObject({ end: "refused", code: "IDEMPOTENCY_CONFLICT" });
  }
  expect(rig.keys.size).toBe(1);
});

test("what the kernel refuses or cannot take now leaves no case behind", async () => {
  for (const end of [refused("KIND_UNKNOWN"), later("The log cannot be written.")]) {
    rig.peers.submit = () => end;
    expect(await rig.ingress.request("submit", rig.submission())).toEqual(end);
    expect(rig.keys.size).toBe(0);
  }
});

test("an accepted submission whose answer was lost is asked about again; its case stays", async () => {
  let asked = 0;
  rig.peers.submit = (body) => {
    const end = rig.take(body);
    if (asked++ > 0) return end;
    setTimeout(() => rig.dropKernel(), 20);
    return "silence";
  };
  const opened = await rig.open({ text: "Ann Miller" });
  expect(asked).toBe(2);
  expect(opened.case).toBe(rig.submitted[0]?.case);
  expect(rig.keys.get(opened.case)).toBeDefined();
});

test("a follow-up sees the same tokens, also after the vault was restarted", async () => {
  const first = await rig.open({ text: "Ann Miller, bob@corp.example" });
  await rig.stopVault();
  await rig.startVault();
  const second = await rig.open({
    case: first.case,
    customer: null,
    text: "bob@corp.example and eve@corp.example, Ann Miller",
  });
  expect(second.case).toBe(first.case);
  expect(rig.submitted.map((body) => body.text)).toEqual(["[NAME_1], [EMAIL_2]", "[EMAIL_2] and [EMAIL_3], [NAME_1]"]);
  expect(rig.submitted[1]).toMatchObject({
    opens: false,
    customer: rig.submitted[0]?.customer,
    subject: rig.submitted[0]?.subject,
  });
});

test("a follow-up for another customer, another frontend's case or a destroyed case is refused", async () => {
  const { case: id } = await rig.open();
  const follow = (change: object) => rig.ingress.request("submit", { ...rig.submission({ case: id }), ...change });
  expect(await follow({ customer: "C2" })).toMatchObject({ code: "CASE_UNKNOWN" });
  expect(await follow({ frontend: "other" })).toMatchObject({ code: "CASE_UNKNOWN" });
  expect(await follow({ case: "case_0000000000000000" })).toMatchObject({ code: "CASE_UNKNOWN" });
  expect((await rig.kernel.request("close", { case: id })).end).toBe("done");
  expect(await follow({})).toMatchObject({ code: "CASE_UNKNOWN" });
  expect(rig.keys.size).toBe(0);
});

test("many follow-ups at once give one token to one value and one value to one token", async () => {
  const { case: id } = await rig.open();
  const texts = Array.from(
    { length: 40 },
    (_, index) => `p${index % 10}@corp.example p${(index * 7) % 10}@corp.example`,
  );
  await Promise.all(texts.map((text) => rig.open({ case: id, text })));
  await rig.stopVault();
  await rig.startVault();
  const swept = rig.submitted.slice(1).map((body) => body.text);
  expect(new Set(swept.flatMap((text) => text.split(" "))).size).toBe(10);
  const back = await Promise.all(swept.map((text) => rig.deliver(id, text)));
  expect(back.map((end) => (end.end === "done" ? end.value.text : end.end)).sort()).toEqual(texts.sort());
});

test("text at the bound of a submission passes, whatever it grows to", async () => {
  const text = "Li ".repeat(21_800);
  rig.customers.set("C3", { ...ANN, name: "Li" });
  await rig.open({ customer: "C3", text });
  expect(rig.submitted[0]?.text.length).toBeGreaterThan(180_000);
  const end = await rig.ingress.request(
    "submit",
    rig.submission({ customer: "C3", fields: { text: text.slice(0, 60_000) } }),
  );
  expect(end).toMatchObject({ end: "refused", code: "TOO_LARGE" });
});
