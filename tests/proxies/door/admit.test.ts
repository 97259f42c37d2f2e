import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileArguments } from "../../../kernel/abi/arguments.ts";
import type { BaseClaims, TaskClaims } from "../../../kernel/abi/claims.ts";
import type { Json } from "../../../kernel/abi/json.ts";
import type { Operation } from "../../../kernel/abi/operations.ts";
import { admitCall, admitKeys, type Keys, type Rule } from "../../../proxies/door/admit.ts";

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
    expect(admitKeys(keys, keys, 99_999)).toEqual({ end: "done", value: keys });
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
      expect(admitKeys({ base, task: { ...task, ...other } }, keys, 0), JSON.stringify(other)).toMatchObject({
        code: "KEY_MISMATCH",
      });
    }
    const bound = Object.keys(task).filter((name) => !["iss", "aud", "jti", "iat", "nbf", "exp"].includes(name));
    expect(new Set(others.flatMap(Object.keys))).toEqual(new Set(bound));
  });

  test("lets a renewed task key through: same task, other id and times", () => {
    const renewed = { ...task, jti: "fedcba9876543210", iat: 50, nbf: 50, exp: 150 };
    expect(admitKeys({ base, task: renewed }, keys, 0)).toMatchObject({ end: "done" });
  });

  test("refuses a base key of another role or bundle, neither making up for the other", () => {
    for (const other of [{ role: "refund-manager" }, { bundles: ["c".repeat(64)] }, { bundles: [] }]) {
      const changed = { base: { ...base, ...other }, task };
      expect(admitKeys(changed, changed, 0)).toMatchObject({ code: "KEY_MISMATCH" });
    }
  });

  test("refuses every base key but the one that was bound, an older one with more in it above all", () => {
    const older = { ...base, jti: "fedcba9876543210", capabilities: { ...base.capabilities, "refund:create": [] } };
    expect(admitKeys({ base: older, task }, keys, 0)).toMatchObject({ code: "KEY_MISMATCH" });
  });

  test("refuses every key in a slot to which nothing is bound", () => {
    expect(admitKeys(keys, undefined, 0)).toMatchObject({ code: "KEY_MISMATCH" });
  });

  test("refuses either key from the millisecond it expires", () => {
    const early = { exp: 50 };
    expect(admitKeys(keys, keys, 100_000)).toMatchObject({ code: "KEY_EXPIRED" });
    expect(admitKeys({ base: { ...base, ...early }, task }, keys, 49_999)).toMatchObject({ end: "done" });
    expect(admitKeys({ base: { ...base, ...early }, task }, keys, 50_000)).toMatchObject({ code: "KEY_EXPIRED" });
    expect(admitKeys({ base, task: { ...task, ...early } }, keys, 50_000)).toMatchObject({ code: "KEY_EXPIRED" });
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

describe("what is admitted", () => {
  const names = ["order:read", "order:list", "refund:create", "email:send", "constructor"] as const;
  const declared = new Map<string, Rule>([
    ["order:read", rule()],
    ["order:list", rule({ customer: "none", arguments: {} })],
    ["refund:create", rule({ arguments: { amount: { type: "integer", class: "public", minimum: 1, maximum: 100 } } })],
    ["email:send", rule({ caller: "vault", arguments: {} })],
  ]);
  /** Values that meet often, and now and then do not. */
  const mostly = <T>(usual: T, ...others: T[]) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
  const bases: fc.Arbitrary<BaseClaims> = fc.record({
    ...fixed(registered),
    jti: mostly("0123456789abcdef", "fedcba9876543210"),
    exp: mostly(100, 10),
    role: mostly("refund-agent", "hello"),
    bundles: mostly(["b".repeat(64)], [], ["c".repeat(64)], ["c".repeat(64), "b".repeat(64)]),
    capabilities: fc
      .uniqueArray(fc.constantFrom(...names.slice(0, 4)))
      .map((of) => Object.fromEntries(of.map((one) => [one, []]))),
    escalates_to: fc.constant([]),
    subagents: fc.constant([]),
  });
  const tasks: fc.Arbitrary<TaskClaims> = fc.record({
    ...fixed(task),
    exp: mostly(100, 10),
    customer: mostly<string | null>("tok_00000001", null, "tok_00000002"),
    role: mostly("refund-agent", "hello"),
    bundle: mostly("b".repeat(64), "c".repeat(64)),
    cell: mostly("cell_0000000000000001", "cell_0000000000000002"),
    epoch: mostly(7, 6, 8),
    mode: mostly<TaskClaims["mode"]>("live", "shadow"),
  });
  const given: fc.Arbitrary<Json> = fc.oneof(
    fc.constant({}),
    fc.constant({ order: "O1" }),
    fc.record({ amount: fc.oneof(fc.integer({ min: -5, max: 105 }), fc.double(), fc.string()) }) as fc.Arbitrary<Json>,
    fc.dictionary(fc.constantFrom("order", "amount", "customer", "case", "x"), fc.jsonValue()) as fc.Arbitrary<Json>,
    fc.jsonValue() as fc.Arbitrary<Json>,
  );
  const calls = fc.record({ capability: fc.constantFrom(...names), arguments: given });
  const bounds = fc.oneof(
    fc.constant("itself" as const),
    fc.option(fc.record({ base: bases, task: tasks }), { nil: undefined, freq: 10 }),
  );
  const times = mostly(9_999, 10_000, 99_999, 100_000);

  function fixed<T extends object>(values: T): { [K in keyof T]: fc.Arbitrary<T[K]> } {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fc.constant(value)])) as never;
  }

  function admitted(both: Keys, bound: Keys | undefined, call: { capability: string; arguments: Json }, now: number) {
    const end = admitKeys(both, bound, now);
    return end.end === "done" ? admitCall(end.value, declared.get(call.capability), call) : end;
  }

  /** What the base key alone would let its holder do, in any task. Written from the words of the design, not from the code. */
  function baseAllows({ capabilities, exp }: BaseClaims, { capability }: { capability: string }, now: number): boolean {
    return Object.keys(capabilities).includes(capability) && now < exp * 1000;
  }

  /** What the task key alone would: in its task, as its role, for its customer, whatever the role may. */
  function taskAllows(of: TaskClaims, bound: Keys | undefined, { capability }: { capability: string }, now: number) {
    const needsCustomer = ["order:read", "refund:create"].includes(capability);
    const { jti: _, iat: __, nbf: ___, exp: ____, ...says } = of;
    return (
      now < of.exp * 1000 &&
      (!needsCustomer || of.customer !== null) &&
      bound !== undefined &&
      Object.entries(says).every(([name, value]) => bound.task[name as keyof TaskClaims] === value)
    );
  }

  /** The arguments each operation takes, spelt out. */
  const fits: Record<string, (given: Json) => boolean> = {
    "order:read": (given) => JSON.stringify(given).match(/^\{"order":"O[0-9]+"\}$/) !== null,
    "order:list": (given) => JSON.stringify(given) === "{}",
    "refund:create": (given) => {
      const [, amount] = /^\{"amount":(\d+)\}$/.exec(JSON.stringify(given)) ?? [];
      return amount !== undefined && Number(amount) >= 1 && Number(amount) <= 100;
    },
  };

  test("is never more than either key allows, and never a call that is not declared", () => {
    const seen = { done: 0, refused: 0 };
    fc.assert(
      fc.property(bases, tasks, bounds, calls, times, (base, task, other, call, now) => {
        const bound = other === "itself" ? { base, task } : other;
        const end = admitted({ base, task }, bound, call, now);
        seen[end.end === "done" ? "done" : "refused"]++;
        if (end.end !== "done") return;
        expect(baseAllows(base, call, now)).toBe(true);
        expect(taskAllows(task, bound, call, now)).toBe(true);
        expect([base.role, base.jti]).toEqual([task.role, bound?.base.jti]);
        expect(base.bundles).toContain(task.bundle);
        expect(fits[call.capability]?.(call.arguments)).toBe(true);
        expect(end.value).toEqual(call.arguments);
      }),
      { numRuns: 5_000 },
    );
    expect(seen.done).toBeGreaterThan(20);
    expect(seen.refused).toBeGreaterThan(20);
  });

  test("is all that both allow: nothing granted, bound and declared is refused", () => {
    const good = fc.constantFrom<{ capability: string; arguments: Json }>(
      call,
      { capability: "order:list", arguments: {} },
      { capability: "refund:create", arguments: { amount: 1 } },
    );
    fc.assert(
      fc.property(bases, tasks, good, times, (base, task, call, now) => {
        const both = { base, task };
        const agree = base.role === task.role && base.bundles.includes(task.bundle);
        const allowed = agree && baseAllows(base, call, now) && taskAllows(task, both, call, now);
        expect(admitted(both, both, call, now).end).toBe(allowed ? "done" : "refused");
      }),
      { numRuns: 5_000 },
    );
  });
});
