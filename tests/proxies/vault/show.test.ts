import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Operation } from "../../../kernel/abi/operations.ts";
import { OpenCase } from "../../../proxies/vault/cases.ts";
import { SHOWN_BYTES_MAX, showResult } from "../../../proxies/vault/show.ts";
import { newDraft, TABLE_BYTES_MAX } from "../../../proxies/vault/table.ts";

const read: Operation = {
  title: "Read",
  effect: "read",
  customer: "none",
  arguments: {},
  result: { rows: "one", fields: { note: { class: "text" }, mails: { class: "email" } } },
  reconcile: "none",
  action: {},
};
const write: Operation = { ...read, effect: "write", reconcile: "transaction" };

const show = (operation: Operation, result: Record<string, string | string[]>) =>
  showResult(operation, result, new OpenCase("case_0123456789abcdef", randomBytes(32), randomBytes), newDraft());

test("a result is shown up to its bound; over it a read is refused, and an effect is told without its result", () => {
  const note = "x".repeat(SHOWN_BYTES_MAX - '{"note":""}'.length);
  expect(show(read, { note }).end).toBe("done");
  expect(show(read, { note: `${note}x` })).toMatchObject({ end: "refused", code: "RESULT_TOO_LARGE" });
  expect(show(write, { note: `${note}x` })).toEqual({ end: "done", value: {} });
});

test("where the case's table is full a read is refused, and an effect is told without its result", () => {
  const mails = Array.from({ length: TABLE_BYTES_MAX / 1024 }, (_, at) => `${"x".repeat(1000)}${at}@a.example`);
  expect(show(read, { mails })).toMatchObject({ end: "refused", code: "CASE_TABLE_FULL" });
  expect(show(write, { mails })).toEqual({ end: "done", value: {} });
  expect(show(read, { mails: mails.slice(0, 10) }).end).toBe("done");
});
