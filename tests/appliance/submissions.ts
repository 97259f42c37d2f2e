/** Claims about submissions that are not as the interface describes: a stable code, a sentence, and nothing is stored. */
import { beforeAll, describe, expect, test } from "vitest";
import { SUBMISSION_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { isRefusalCode } from "../../kernel/abi/refusals.ts";
import { type Client, openClient, type Reply, type Sent, send, sendLikeCurl } from "./http.ts";
import type { TestAppliance } from "./world.ts";

const BODY_BYTES = 10_000_000;
const SENTENCE = /^[A-Z].{8,}\.$/s;
const refund = { kind: "refund", customer: "C0042" };
const text = (value: unknown) => JSON.stringify(value);

/** What is wrong, how it is sent (over a submission that is right), and the answer. */
const cases: readonly [string, Partial<Sent>, number, string][] = [
  ["an unknown kind", { body: text({ kind: "nothing" }) }, 422, "KIND_UNKNOWN"],
  ["a kind named like a part of every object", { body: text({ kind: "constructor" }) }, 422, "KIND_UNKNOWN"],
  ["a missing customer", { body: text({ kind: "refund" }) }, 422, "CUSTOMER_MISSING"],
  ["no customer by name", { body: text({ kind: "refund", customer: null }) }, 422, "CUSTOMER_MISSING"],
  ["an unknown customer", { body: text({ kind: "refund", customer: "C9999" }) }, 422, "CUSTOMER_UNKNOWN"],
  ["an unknown case", { body: text({ ...refund, case: "case_0000000000000000" }) }, 404, "CASE_UNKNOWN"],
  ["a case that cannot be", { body: text({ ...refund, case: "../etc" }) }, 400, "MALFORMED"],
  ["no JSON", { body: '{"kind":"refund",' }, 400, "MALFORMED"],
  ["more after the JSON", { body: `${text(refund)}{}` }, 400, "MALFORMED"],
  ["a member twice", { body: '{"kind":"hello","kind":"refund","customer":"C0042"}' }, 400, "MALFORMED"],
  ["a spare member", { body: text({ ...refund, role: "admin" }) }, 400, "MALFORMED"],
  ["a member of a wrong type", { body: text({ ...refund, text: 7 }) }, 400, "MALFORMED"],
  ["a list for an object", { body: text([refund]) }, 400, "MALFORMED"],
  ["objects in objects in objects", { body: `${'{"a":'.repeat(100)}1${"}".repeat(100)}` }, 400, "MALFORMED"],
  ["no body", { body: "" }, 400, "MALFORMED"],
  ["bytes that are no UTF-8", { body: Buffer.from([0x22, 0xff, 0x22]) }, 400, "MALFORMED"],
  ["a wrong API key", { headers: { authorization: "Bearer nobody" } }, 401, "API_KEY_INVALID"],
  ["no API key", { headers: { authorization: undefined } }, 401, "API_KEY_INVALID"],
  ["two API keys", { headers: { authorization: ["Bearer a", "Bearer b"] } }, 400, "MALFORMED"],
  ["no Idempotency-Key", { headers: { "idempotency-key": undefined } }, 400, "IDEMPOTENCY_REQUIRED"],
  ["an empty Idempotency-Key", { headers: { "idempotency-key": "" } }, 400, "IDEMPOTENCY_REQUIRED"],
  ["an Idempotency-Key of 129 characters", { headers: { "idempotency-key": "k".repeat(129) } }, 400, "MALFORMED"],
  ["two Idempotency-Keys", { headers: { "idempotency-key": ["a", "b"] } }, 400, "MALFORMED"],
  ["another path", { path: "/v1/task" }, 404, "UNKNOWN_PATH"],
  ["a body too large", { body: " ".repeat(SUBMISSION_BYTES_MAX + 1) }, 413, "TOO_LARGE"],
];

export function describeSubmissions(of: () => TestAppliance): void {
  describe("a submission with", () => {
    let shop: Client;
    beforeAll(() => {
      shop = openClient(of(), "shop");
    });

    test.each(cases)("%s is refused", async (_, wrong, status, code) => {
      const before = await stored(of());
      const headers = { ...shop.headers, "idempotency-key": "wrong", ...wrong.headers };
      const reply = await send(of().port, { body: text(refund), ...wrong, headers });
      expect(reply).toEqual({ status, body: { code, message: expect.stringMatching(SENTENCE) } });
      expect(isRefusalCode(code)).toBe(true);
      expect(await stored(of())).toBe(before);
    });

    test("a kind of another frontend is refused", async () => {
      const refusal = await openClient(of(), "bank").post(refund, "wrong");
      expect(refusal).toMatchObject({ status: 403, body: { code: "KIND_NOT_ALLOWED" } });
    });

    test.each(["wrong", undefined])("10 MB is refused where its sender hears it (API key: %s)", async (key) => {
      const authorization = key === undefined ? shop.headers.authorization : `Bearer ${key}`;
      const refusal = key === undefined ? [413, "TOO_LARGE"] : [401, "API_KEY_INVALID"];
      const [status, code] = refusal;
      const headers = { authorization, "idempotency-key": "large" };
      const body = Buffer.alloc(BODY_BYTES, " ");
      const reply = await send(of().port, { headers, body });
      expect(reply).toEqual({ status, body: { code, message: expect.stringMatching(SENTENCE) } });
      const head = [
        "POST /v1/tasks HTTP/1.1",
        "Host: silo",
        `Authorization: ${authorization}`,
        "Idempotency-Key: large",
      ];
      const heard = await sendLikeCurl(of().port, head, body);
      expect(heard).toMatch(
        new RegExp(
          `^(HTTP/1.1 100 Continue\r\n\r\n)?HTTP/1.1 ${status} .*\r\n\r\n{"code":"${code}","message":"[^"]+"}$`,
          "s",
        ),
      );
    });
  });

  describe("an Idempotency-Key", () => {
    test("that was refused with is free for what comes next", async () => {
      const shop = openClient(of(), "shop");
      expect(await shop.post({ kind: "hello", customer: "C9999" }, "free")).toMatchObject({ status: 422 });
      const accepted = await shop.post({ kind: "hello", customer: "C0042" }, "free");
      expect(accepted).toMatchObject({ status: 202, body: { duplicate: false } });
    });

    test("is one task, sent five times at once and once more later", async () => {
      const post = () => openClient(of(), "shop").post({ kind: "hello" }, "same");
      const replies = [...(await Promise.all([post(), post(), post(), post(), post()])), await post()];
      expect(new Set(replies.map(taskOf)).size).toBe(1);
      expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 202]);
      expect(replies.filter(({ body }) => body["duplicate"] === false).length).toBe(1);
    });

    test("with another body is a conflict, and the task stays what it was", async () => {
      const shop = openClient(of(), "shop");
      const { body } = await shop.post({ kind: "hello", text: "one" }, "taken");
      const conflict = await shop.post({ kind: "hello", text: "two" }, "taken");
      expect(conflict).toMatchObject({ status: 409, body: { code: "IDEMPOTENCY_CONFLICT" } });
      const shown = await of().ask("task_show", { task: body["task"] as string });
      expect(shown.document.text).toBe("one");
    });

    test("is a frontend's own: another's is another task", async () => {
      const [one, other] = await Promise.all(
        (["shop", "bank"] as const).map((name) => openClient(of(), name).post({ kind: "hello" }, "shared")),
      );
      expect(taskOf(one as Reply)).not.toBe(taskOf(other as Reply));
    });
  });

  describe("another frontend's", () => {
    test("task is as unknown as one that never was", async () => {
      const { body } = await openClient(of(), "shop").post({ kind: "hello" }, "secret");
      const bank = openClient(of(), "bank");
      const theirs = await bank.get(body["task"] as string);
      expect(theirs).toMatchObject({ status: 404, body: { code: "TASK_UNKNOWN" } });
      expect(theirs).toEqual(await bank.get("task_0000000000000000"));
      expect(theirs).toEqual(await bank.get("no-task"));
    });

    test("case takes no follow-up, and its own does", async () => {
      const first = { kind: "hello", customer: "C0042" };
      const shop = openClient(of(), "shop");
      const { body } = await shop.post(first, "opens");
      const follow = { ...first, case: body["case"] };
      const theirs = await openClient(of(), "bank").post(follow, "follows");
      expect(theirs).toMatchObject({ status: 404, body: { code: "CASE_UNKNOWN" } });
      expect(await shop.post({ ...follow, customer: "C0077" }, "other-customer")).toMatchObject({ status: 404 });
      expect(await shop.post(follow, "follows")).toMatchObject({ status: 202, body: { case: body["case"] } });
    });
  });
}

const taskOf = ({ body }: Reply) => body["task"];

/** How many tasks the kernel has. */
async function stored({ ask }: TestAppliance): Promise<number> {
  return Object.values((await ask("status", {})).tasks).reduce((sum, count) => sum + count, 0);
}
