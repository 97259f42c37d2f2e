/** Declarations whose SQL and arguments disagree stop the process before it serves. */
import { expect, test } from "vitest";
import type { Operation, Operations } from "../../../kernel/abi/operations.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { ConfigError } from "../../../kernel/process/config.ts";
import { compileStatements } from "../../../proxies/database/statements.ts";

const declared = (sql: string | number | boolean, changes: Partial<Operation> = {}): Operations => {
  const operation: Operation = {
    title: "A test",
    effect: "read",
    customer: "required",
    arguments: { order: { type: "string", class: "public" } },
    result: { rows: "many", fields: {} },
    reconcile: "none",
    action: { sql },
    ...changes,
  };
  return new Map([["test:read", { ...operation, proxy: "database" }]]);
};

test("the shipped declarations compile", () => {
  const statements = compileStatements(readOperations({ etc: "config" }));
  expect([...statements.keys()].sort()).toEqual([
    "customer:known",
    "customer:read",
    "customer:update_email",
    "order:list",
    "order:read",
    "refund:create",
  ]);
});

test("parameters come from the arguments, the customer and the case; one that was left out is null", () => {
  const operations = declared("select :case, :order, :customer, :note", {
    arguments: { order: { type: "string", class: "public" }, note: { type: "string", class: "text", optional: true } },
  });
  const call = { case: "case_1", customer: "C0042", values: { order: "O1" } };
  const statement = compileStatements(operations).get("test:read");
  expect(statement?.parameters(call as never)).toEqual(["case_1", "O1", "C0042", null]);
});

test.each([
  ["a name that is no argument", declared("select :order, :other")],
  ["an argument that is not used", declared("select 1")],
  ["no SQL", declared(1)],
  ["two statements", declared("select :order; select 1")],
  ["a customer where it works on none", declared("select :order, :customer", { customer: "none" })],
  [
    "an argument called customer",
    declared("select :customer", { arguments: { customer: { type: "string", class: "public" } } }),
  ],
])("%s is a fault of the configuration", (_, operations) => {
  expect(() => compileStatements(operations)).toThrow(ConfigError);
});
