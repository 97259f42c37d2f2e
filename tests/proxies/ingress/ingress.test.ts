import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done, later, refused } from "../../../kernel/abi/ends.ts";
import { ANSWER_MS } from "../../../proxies/ingress/task.ts";
import { answerOf, ask, CASE, ended, KEYS, openWorld, TASK, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const refund = { kind: "refund", customer: "C0042", fields: { order: "O1234", amount: "247.50 USD" }, text: "Hello" };
const key = { "Idempotency-Key": "k-1" };
const post = (body: unknown = refund, headers: Record<string, string> = key) =>
  ask(world, "POST", "/v1/tasks", body, headers);
const get = (task = TASK, headers: Record<string, string> = {}) =>
  ask(world, "GET", `/v1/tasks/${task}`, undefined, headers);

describe("POST /v1/tasks", () => {
  test("is answered 202 with task and case, and only after the vault said done", async () => {
    const stored = Promise.withResolvers<void>();
    world.vault.submit = async () => {
      await stored.promise;
      return done({ task: TASK, case: CASE, duplicate: false });
    };
    let isAnswered = false;
    const reply = post().finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => world.submitted.length).toBe(1);
    await sleep(30);
    expect(isAnswered).toBe(false);
    stored.resolve();
    expect(await reply).toMatchObject({ status: 202, body: { task: TASK, case: CASE, duplicate: false } });
    expect(world.submitted).toEqual([{ frontend: "shop", idempotency: "k-1", case: null, ...refund }]);
  });

  test("takes a follow-up in a case, without naming the customer again", async () => {
    expect(await post({ kind: "refund", case: CASE, text: "And?" })).toMatchObject({ status: 202 });
    expect(world.submitted).toMatchObject([{ customer: null, case: CASE, fields: {}, text: "And?" }]);
  });

  test.each<[string, unknown, number, string]>([
    ["a kind nobody knows", { ...refund, kind: "loan" }, 422, "KIND_UNKNOWN"],
    ["a kind named like a method", { ...refund, kind: "constructor" }, 422, "KIND_UNKNOWN"],
    ["no customer where one is needed", { kind: "refund" }, 422, "CUSTOMER_MISSING"],
    ["no kind", { customer: "C0042" }, 400, "MALFORMED"],
    ["a spare member", { ...refund, role: "admin" }, 400, "MALFORMED"],
    ["a frontend of its own choice", { ...refund, frontend: "bank" }, 400, "MALFORMED"],
    ["a member twice", '{"kind":"hello","kind":"refund"}', 400, "MALFORMED"],
    ["a prototype", '{"kind":"hello","__proto__":{"customer":"C1"}}', 400, "MALFORMED"],
    ["a nested field", { ...refund, fields: { a: { b: 1 } } }, 400, "MALFORMED"],
    ["a number out of range", '{"kind":"hello","fields":{"a":1e309}}', 400, "MALFORMED"],
    ["half a surrogate pair", '{"kind":"hello","text":"\\ud800"}', 400, "MALFORMED"],
    ["what is no JSON", "kind=refund", 400, "MALFORMED"],
    ["an array", [refund], 400, "MALFORMED"],
    ["nothing", "", 400, "MALFORMED"],
    ["a case that is no case id", { ...refund, case: "../case" }, 400, "MALFORMED"],
    [
      "65 fields",
      { ...refund, fields: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`f${at}`, 1])) },
      400,
      "MALFORMED",
    ],
  ])("refuses %s, and the vault hears nothing", async (_, body, status, code) => {
    expect(await post(body)).toMatchObject({ status, body: { code, message: expect.stringMatching(/\w+.*\./) } });
    expect(world.submitted).toEqual([]);
  });

  test("refuses a kind this frontend may not send", async () => {
    const bank = { ...key, Authorization: `Bearer ${KEYS.bank}` };
    expect(await post(refund, bank)).toMatchObject({ status: 403, body: { code: "KIND_NOT_ALLOWED" } });
    expect(await post({ kind: "hello" }, bank)).toMatchObject({ status: 202 });
    expect(world.submitted).toMatchObject([{ frontend: "bank", kind: "hello" }]);
  });

  test("needs an idempotency key of 1 to 128 visible characters", async () => {
    expect(await post(refund, {})).toMatchObject({ status: 400, body: { code: "IDEMPOTENCY_REQUIRED" } });
    expect(await post(refund, { "Idempotency-Key": "" })).toMatchObject({ body: { code: "IDEMPOTENCY_REQUIRED" } });
    expect(await post(refund, { "Idempotency-Key": "a b" })).toMatchObject({ body: { code: "MALFORMED" } });
    expect(await post(refund, { "Idempotency-Key": "k".repeat(129) })).toMatchObject({ body: { code: "MALFORMED" } });
    expect(await post(refund, { "Idempotency-Key": "k".repeat(128) })).toMatchObject({ status: 202 });
  });

  test("passes the vault's refusal on with its code and status", async () => {
    world.vault.submit = () => refused("IDEMPOTENCY_CONFLICT");
    expect(await post()).toMatchObject({ status: 409, body: { code: "IDEMPOTENCY_CONFLICT" } });
    world.vault.submit = () => refused("CUSTOMER_UNKNOWN");
    expect(await post()).toMatchObject({ status: 422, body: { code: "CUSTOMER_UNKNOWN" } });
    world.vault.submit = () => refused("CASE_UNKNOWN");
    expect(await post()).toMatchObject({ status: 404, body: { code: "CASE_UNKNOWN" } });
  });

  test("is later when the vault is not there to store it, never accepted", async () => {
    world.vault.submit = () => later("The disk is full.");
    const reply = await post();
    expect(reply).toMatchObject({ status: 503, body: { code: "LATER", message: "The disk is full." } });
    expect(reply.headers.get("retry-after")).toBe("1");
  });
});

describe("GET /v1/tasks/ID", () => {
  test("says where a task is", async () => {
    expect(await get()).toMatchObject({ status: 200, body: ended({ state: "ready", event: null }) });
    expect(world.asked).toEqual([{ frontend: "shop", task: TASK, answer: true }]);
  });

  test("carries the answer that the vault brings while it waits, and that is the receipt", async () => {
    world.kernel.state = () => done(ended());
    const reply = get();
    await expect.poll(() => world.asked.length).toBe(1);
    expect(await world.toIngress.request("answer", answerOf())).toEqual(done({}));
    const { text, fields } = answerOf();
    expect(await reply).toMatchObject({ status: 200, body: { ...ended(), answer: { text, fields } } });
  });

  test("takes an answer that comes before the kernel's own", async () => {
    world.kernel.state = async () => {
      await world.toIngress.request("answer", answerOf());
      return done(ended());
    };
    expect(await get()).toMatchObject({ body: { answer: { text: answerOf().text } } });
  });

  test(`says pending when no answer has come within ${ANSWER_MS} ms`, async () => {
    world.kernel.state = () => done(ended());
    const started = performance.now();
    expect(await get()).toMatchObject({ status: 200, body: { state: "ended", answer: "pending" } });
    expect(performance.now() - started).toBeGreaterThan(ANSWER_MS - 50);
    expect(await world.toIngress.request("answer", answerOf())).toMatchObject({ end: "later" });
  });

  test("never hands out another frontend's answer, whatever task it names", async () => {
    world.kernel.state = () => done(ended());
    const reply = get();
    await expect.poll(() => world.asked.length).toBe(1);
    expect(await world.toIngress.request("answer", answerOf({ frontend: "bank" }))).toMatchObject({ end: "later" });
    expect(await reply).toMatchObject({ body: { answer: "pending" } });
  });

  test("names the frontend by its key alone, and passes the kernel's no on", async () => {
    world.kernel.state = ({ frontend }) =>
      frontend === "shop" ? done(ended({ state: "leased", event: null })) : refused("TASK_UNKNOWN");
    expect(await get(TASK, { Authorization: `Bearer ${KEYS.bank}` })).toMatchObject({
      status: 404,
      body: { code: "TASK_UNKNOWN" },
    });
    expect(await get()).toMatchObject({ status: 200 });
  });

  test.each([
    "task_1",
    "task_000000000000000A",
    "%74ask_0000000000000001",
    "case_0000000000000001",
    "x".repeat(500),
    `${TASK}%00`,
  ])("knows no task %.30s and does not trouble the kernel with it", async (task) => {
    expect(await get(task)).toMatchObject({ status: 404, body: { code: "TASK_UNKNOWN" } });
    expect(world.asked).toEqual([]);
  });
});

describe("a frontend", () => {
  test.each<[string, string]>([
    ["no key", ""],
    ["a wrong key", "Bearer nobody"],
    ["another scheme", `Basic ${KEYS.shop}`],
    ["a key with a space after it", `Bearer ${KEYS.shop}  x`],
    ["the digest of its key", "Bearer 2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"],
  ])("with %s learns nothing but 401", async (_, authorization) => {
    for (const reply of [
      await post(refund, { ...key, Authorization: authorization }),
      await get(TASK, { Authorization: authorization }),
    ]) {
      expect(reply).toMatchObject({ status: 401, body: { code: "API_KEY_INVALID" } });
      expect(reply.headers.get("www-authenticate")).toBe("Bearer");
    }
    expect(world.submitted).toEqual([]);
    expect(world.asked).toEqual([]);
  });

  test("gets 404 for what is not there and 405 with the right method for what is", async () => {
    expect(await ask(world, "GET", "/")).toMatchObject({ status: 404, body: { code: "UNKNOWN_PATH" } });
    expect(await ask(world, "GET", "/v1/tasks?all=1")).toMatchObject({ status: 404 });
    const wrong = await ask(world, "GET", "/v1/tasks");
    expect(wrong).toMatchObject({ status: 405, body: { message: "This path takes POST." } });
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await ask(world, "DELETE", `/v1/tasks/${TASK}`)).toMatchObject({ status: 405 });
  });
});

describe("ingress", () => {
  test("says loudly that it speaks plain HTTP where no certificate was given", () => {
    expect(world.warnings.join()).toContain("PLAIN HTTP");
  });

  test("lets nothing a stranger wrote into its log", async () => {
    await post({ ...refund, text: "maria@example.com", spare: "maria" });
    await post(refund, { ...key, Authorization: "Bearer maria" });
    await get("maria");
    expect(world.warnings.join()).not.toContain("maria");
  });

  test("finishes what is in hand when it is told to stop, and takes nothing new", async () => {
    const stored = Promise.withResolvers<void>();
    world.vault.submit = async () => {
      await stored.promise;
      return done({ task: TASK, case: CASE, duplicate: false });
    };
    const reply = post();
    await expect.poll(() => world.submitted.length).toBe(1);
    const stopped = world.stop();
    await expect(get()).rejects.toThrow();
    stored.resolve();
    expect(await reply).toMatchObject({ status: 202 });
    await stopped;
  });
});
