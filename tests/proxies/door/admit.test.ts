import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileArguments } from "../../../kernel/abi/arguments.ts";
import type { BaseClaims, TaskClaims } from "../../../kernel/abi/claims.ts";
import type { Operation } from "../../../kernel/abi/operations.ts";
import { admitCall, admitKeys, type Rule } from "../../../proxies/door/admit.ts";

const registered = {
  iss: "silo",
  aud: "silo-door",
  sub: "x",
  jti: "0123456789abcdef",
  iat: 0,
  nbf: 0,
  exp: 100,
} as const;
const base: BaseClaims = {
  ...registered,
  role: "refund-agent",
  bundles: ["b".repeat(64)],
  capabilities: { "order:read": [] },
  escalates_to: [],
  subagents: [],
};
const task: TaskClaims = {
  ...registered,
  task: "task_0000000000000001",
  case: "case_0000000000000001",
  assignment: "asgn_0000000000000001",
  customer: "tok_00000001",
  event: "e".repeat(64),
  role: "refund-agent",
  bundle: "b".repeat(64),
  cell: "cell_0000000000000001",
  epoch: 7,
  mode: "live",
};
const operation: Operation = {
  title: "Read an order",
  effect: "read",
  customer: "required",
  arguments: { order: { type: "string", class: "public", pattern: "O[0-9]+" } },
  result: { rows: "one", fields: {} },
  reconcile: "none",
  action: {},
};
const rule = (changes: Partial<Operation> = {}): Rule => {
  const changed = { ...operation, ...changes };
  return { operation: changed, check: compileArguments(changed) };
};
const keys = { base, task };
const call = { capability: "order:read", arguments: { order: "O1" } };

describe("admitKeys", () => {
  test("lets the keys through that the kernel bound", () => {
    expect(admitKeys(keys, task, 99_999)).toEqual({ end: "done", value: keys });
  });

  test("refuses a task key that differs in any one thing from what was bound", () => {
    const others: Partial<TaskClaims>[] = [
      { sub: "y" },
      { task: "task_0000000000000002" },
      { case: "case_0000000000000002" },
      { assignment: "asgn_0000000000000002" },
      { customer: "tok_00000002" },
      { customer: null },
      { event: "f".repeat(64) },
      { role: "refund-manager" },
      { bundle: "c".repeat(64) },
      { cell: "cell_0000000000000002" },
      { epoch: 6 },
      { epoch: 8 },
      { mode: "shadow" },
    ];
    for (const other of others) {
      expect(admitKeys({ base, task: { ...task, ...other } }, task, 0), JSON.stringify(other)).toMatchObject({
        code: "KEY_MISMATCH",
      });
    }
    const bound = Object.keys(task).filter((name) => !["iss", "aud", "jti", "iat", "nbf", "exp"].includes(name));
    expect(new Set(others.flatMap(Object.keys))).toEqual(new Set(bound));
  });

  test("lets a renewed task key through: same task, other id and times", () => {
    const renewed = { ...task, jti: "fedcba9876543210", iat: 50, nbf: 50, exp: 150 };
    expect(admitKeys({ base, task: renewed }, task, 0)).toMatchObject({ end: "done" });
  });

  test("refuses a base key of another role or bundle, neither making up for the other", () => {
    for (const other of [{ role: "refund-manager" }, { bundles: ["c".repeat(64)] }, { bundles: [] }]) {
      expect(admitKeys({ base: { ...base, ...other }, task }, task, 0)).toMatchObject({ code: "KEY_MISMATCH" });
    }
  });

  test("refuses every key in a slot to which nothing is bound", () => {
    expect(admitKeys(keys, undefined, 0)).toMatchObject({ code: "KEY_MISMATCH" });
  });

  test("refuses either key from the millisecond it expires", () => {
    const early = { exp: 50 };
    expect(admitKeys(keys, task, 100_000)).toMatchObject({ code: "KEY_EXPIRED" });
    expect(admitKeys({ base: { ...base, ...early }, task }, task, 49_999)).toMatchObject({ end: "done" });
    expect(admitKeys({ base: { ...base, ...early }, task }, task, 50_000)).toMatchObject({ code: "KEY_EXPIRED" });
    expect(admitKeys({ base, task: { ...task, ...early } }, task, 50_000)).toMatchObject({ code: "KEY_EXPIRED" });
  });
});

describe("admitCall", () => {
  test("lets a granted capability through with the declared arguments", () => {
    expect(admitCall(keys, rule(), call)).toEqual({ end: "done", value: { order: "O1" } });
  });

  test("refuses what nobody declared", () => {
    expect(admitCall(keys, undefined, call)).toMatchObject({ code: "CAPABILITY_UNKNOWN" });
  });

  test("knows nothing of the vault's own operations, even if a base key names one", () => {
    expect(admitCall(keys, rule({ caller: "vault" }), call)).toMatchObject({ code: "CAPABILITY_UNKNOWN" });
  });

  test("refuses what the base key does not name, prototype names included", () => {
    for (const capability of ["order:list", "constructor", "toString", "__proto__"]) {
      expect(admitCall(keys, rule(), { ...call, capability })).toMatchObject({ code: "CAPABILITY_NOT_GRANTED" });
    }
  });

  test("refuses an operation on a customer in a case that has none", () => {
    const without = { base, task: { ...task, customer: null } };
    expect(admitCall(without, rule(), call)).toMatchObject({ code: "CUSTOMER_REQUIRED" });
    expect(admitCall(without, rule({ customer: "none" }), call)).toMatchObject({ end: "done" });
  });

  test("refuses every argument nobody declared, the customer and the case above all", () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom("customer", "case", "task"), fc.string({ minLength: 1 })), (name) => {
        fc.pre(name !== "order" && name !== "__proto__");
        const spare = { ...call, arguments: { order: "O1", [name]: "C0043" } };
        expect(admitCall(keys, rule(), spare)).toMatchObject({ code: "ARGUMENT_INVALID" });
      }),
    );
  });

  test("refuses arguments that are no object", () => {
    for (const bad of [null, [], "O1", 1, true, [{ order: "O1" }]]) {
      expect(admitCall(keys, rule(), { ...call, arguments: bad })).toMatchObject({ code: "ARGUMENT_INVALID" });
    }
  });
});
