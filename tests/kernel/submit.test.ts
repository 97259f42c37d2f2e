import { afterEach, beforeEach, expect, test } from "vitest";
import { CASE_TABLE_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { tableOf } from "../../kernel/cases.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { positionOf } from "../../kernel/queue.ts";
import { submit } from "../../kernel/submit.ts";
import { codeOf, now, openWorld, role, submission, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const send = (body: ReturnType<typeof submission>) => now(world, () => submit(world.core, body));
const refusalOf = (over: Parameters<typeof submission>[0]) => {
  const code = codeOf(send(submission(over)));
  expect(world.store.tasks.count()).toBe(0);
  return code;
};

test("a submission becomes a ready task of a new case, with what the vault sealed", () => {
  const body = submission({ sealed: ["YQ", "Yg"] });
  const end = send(body);
  if (end.end !== "done") throw new Error(codeOf(end));
  expect(end.value).toMatchObject({ case: body.case, duplicate: false });
  expect(positionOf(world.store, end.value.task).state).toBe("ready");
  expect(tableOf(world.store, { frontend: "shop", case: body.case })).toEqual({
    end: "done",
    value: { customer: body.customer, subject: body.subject, sealed: ["YQ", "Yg"] },
  });
});

test("the same submission again is the same task; another under its key is a conflict", () => {
  const body = submission();
  const first = send(body);
  const again = send({ ...body, case: "case_0000000000000000" });
  expect(again).toMatchObject({ end: "done", value: { duplicate: true } });
  if (first.end === "done" && again.end === "done") expect(again.value.task).toBe(first.value.task);
  expect(codeOf(send({ ...body, request: "f".repeat(64) }))).toBe("IDEMPOTENCY_CONFLICT");
  expect(world.store.tasks.count()).toBe(1);
});

test("one key of two frontends is two submissions", () => {
  world.core.settings.frontends["bank"] = { kinds: ["refund"] };
  const body = submission();
  send(body);
  const other = send({ ...submission({ frontend: "bank" }), idempotency: body.idempotency });
  expect(other).toMatchObject({ end: "done", value: { duplicate: false } });
});

const refusals: [string, Parameters<typeof submission>[0], string][] = [
  ["a kind nobody declared", { kind: "fraud" }, "KIND_UNKNOWN"],
  ["a name of the prototype as a kind", { kind: "constructor" }, "KIND_UNKNOWN"],
  ["a frontend nobody declared", { frontend: "bank" }, "KIND_NOT_ALLOWED"],
  ["a customer's matter without customer", { customer: null, subject: null }, "CUSTOMER_MISSING"],
  ["a case that is not there", { opens: false }, "CASE_UNKNOWN"],
  ["more sealed bytes than a case holds", { sealed: ["x".repeat(CASE_TABLE_BYTES_MAX), "x"] }, "CASE_TABLE_FULL"],
];
test.each(refusals)("%s is refused and leaves nothing", (_, over, code) => {
  expect(refusalOf(over)).toBe(code);
});

test("a case holds as many sealed bytes as it may", () => {
  expect(send(submission({ sealed: ["x".repeat(CASE_TABLE_BYTES_MAX)] })).end).toBe("done");
});

test("a follow-up joins the case of the same frontend and customer only", () => {
  const body = submission();
  send(body);
  const followUp = { case: body.case, opens: false };
  expect(send(submission(followUp)).end).toBe("done");
  world.core.settings.frontends["bank"] = { kinds: ["refund"] };
  expect(codeOf(send(submission({ ...followUp, frontend: "bank" })))).toBe("CASE_UNKNOWN");
  expect(codeOf(send(submission({ ...followUp, subject: "9".repeat(64) })))).toBe("CASE_UNKNOWN");
  expect(codeOf(tableOf(world.store, { frontend: "bank", case: body.case }))).toBe("CASE_UNKNOWN");
  expect(codeOf(send(submission({ case: body.case })))).toBe("CASE_UNKNOWN");
});

test("a task for a role that is offline goes to whom the map names, or waits for it", () => {
  world.roles.set("refund-agent", role("refund-agent", { online: false }));
  world.roles.set("hello", role("hello", { online: false }));
  const refunded = send(submission());
  const greeted = send(submission({ kind: "hello" }));
  if (refunded.end !== "done" || greeted.end !== "done") throw new Error("refused");
  expect(positionOf(world.store, refunded.value.task).state).toBe("waiting");
  expect(positionOf(world.store, greeted.value.task).state).toBe("ready");
});
