import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Limit } from "../../kernel/abi/grant.ts";
import { type Account, type Amount, amountsOf, release, reserve, take } from "../../kernel/ledger.ts";
import { openStore } from "../../kernel/store.ts";

const account: Account = {
  task: "task_1",
  subject: "s",
  role: "refund-agent",
  capability: "refund:create",
  day: "2026-11-22",
};
const money = (scope: Limit["scope"], max: number, unit = "USD"): Limit => ({ measure: "amount", scope, unit, max });
const calls = (scope: Limit["scope"], max: number): Limit => ({ measure: "calls", scope, unit: null, max });
const usd = (amount: number): Amount => ({ measure: "amount", unit: "USD", amount });
const one: Amount = { measure: "calls", unit: null, amount: 1 };
const empty = () => 0;
const codeOf = (end: ReturnType<typeof reserve>) => (end.end === "refused" ? end.code : "done");

test.each([
  ["call", "LIMIT_CALL"],
  ["task", "LIMIT_TASK"],
  ["customer_day", "LIMIT_CUSTOMER_DAY"],
  ["role_day", "LIMIT_ROLE_DAY"],
] as const)("a limit of one %s holds at N and refuses at N+1 with %s", (scope, code) => {
  expect(codeOf(reserve([money(scope, 500)], [usd(500)], account, empty))).toBe("done");
  expect(codeOf(reserve([money(scope, 500)], [usd(501)], account, empty))).toBe(code);
});

test("a running limit counts what was taken before; the limit of one call does not", () => {
  const before = () => 300;
  expect(codeOf(reserve([money("call", 500)], [usd(500)], account, before))).toBe("done");
  expect(codeOf(reserve([money("task", 500)], [usd(200)], account, before))).toBe("done");
  expect(codeOf(reserve([money("task", 500)], [usd(201)], account, before))).toBe("LIMIT_TASK");
});

test("a refusal says what is left under every limit, and where more is to be had", () => {
  const end = reserve([money("customer_day", 50_000)], [usd(20_000)], account, () => 38_000);
  expect(end).toMatchObject({ message: expect.stringContaining("limit left: 120.00 USD; escalate for more") });
  const both = reserve([money("call", 50_000), money("customer_day", 9_000)], [usd(60_000)], account, empty);
  expect(both).toMatchObject({ code: "LIMIT_CALL", message: expect.stringContaining("limit left: 90.00 USD") });
  expect(reserve([calls("task", 3)], [one], account, () => 3)).toMatchObject({
    message: "The total of this task would pass its limit; limit left: 0; escalate for more.",
  });
});

test("a limit on something else is no limit of this amount, even in the same unit", () => {
  const items: Limit = { measure: "items", scope: "call", unit: null, max: 0 };
  expect(codeOf(reserve([items], [one], account, empty))).toBe("done");
  expect(codeOf(reserve([calls("call", 9)], [{ ...one, measure: "items" }], account, empty))).toBe("LIMIT_UNIT");
});

test("a lowered limit leaves nothing, not less than nothing", () => {
  const end = reserve([money("task", 100)], [usd(1)], account, () => 500);
  expect(end).toMatchObject({ message: expect.stringContaining("limit left: 0.00 USD") });
});

test("money in a currency without a limit is refused", () => {
  const end = reserve([money("call", 500)], [{ ...usd(1), unit: "EUR" }], account, empty);
  expect(codeOf(end)).toBe("LIMIT_UNIT");
  expect(codeOf(reserve([], [usd(0)], account, empty))).toBe("LIMIT_UNIT");
});

test("a limit per customer cannot be kept without a customer", () => {
  const nobody = { ...account, subject: null };
  expect(codeOf(reserve([calls("customer_day", 5)], [one], nobody, empty))).toBe("CUSTOMER_REQUIRED");
  expect(codeOf(reserve([calls("task", 5), calls("customer_day", 5)], [one], nobody, empty))).toBe("CUSTOMER_REQUIRED");
});

test.each([-1, 1.5, 2 ** 53, "5", null, true, undefined])("the amount %j is no amount", (amount) => {
  const given = amount === undefined ? { currency: "USD" } : { amount, currency: "USD" };
  expect(amountsOf({ limited: { amount: "currency" } }, given)).toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("a call counts as one, and its limited numbers in their currency or as a count", () => {
  expect(amountsOf({}, { amount: 5 })).toEqual({ end: "done", value: [one] });
  expect(amountsOf({ limited: { amount: "currency" } }, { amount: 0, currency: "USD" })).toEqual({
    end: "done",
    value: [one, usd(0)],
  });
  expect(amountsOf({ limited: { items: "count" } }, { items: 3 })).toEqual({
    end: "done",
    value: [one, { measure: "items", unit: null, amount: 3 }],
  });
  for (const currency of [5, true, undefined])
    expect(amountsOf({ limited: { amount: "currency" } }, { amount: 1, currency } as never)).toMatchObject({
      code: "ARGUMENT_INVALID",
    });
});

test("money is reserved in every scope, without a customer in none of a customer's; calls only where they are limited", () => {
  const reserved = (limits: Limit[], amount: Amount, of = account) => {
    const end = reserve(limits, [amount], of, empty);
    return end.end === "done" ? end.value : end.code;
  };
  const task = ["task", "", "task_1", "refund-agent", "refund:create"];
  const customer = ["customer_day", "2026-11-22", "s", "refund-agent", "refund:create"];
  const role = ["role_day", "2026-11-22", "refund-agent", "refund-agent", "refund:create"];
  const of = (places: string[][], measure: string, unit: string, amount: number) =>
    places.map((place) => ({ key: [...place, measure, unit], amount }));
  expect(reserved([money("call", 9)], usd(5))).toEqual(of([task, customer, role], "amount", "USD", 5));
  expect(reserved([money("call", 9)], usd(5), { ...account, subject: null })).toEqual(
    of([task, role], "amount", "USD", 5),
  );
  expect(reserved([], one)).toEqual([]);
  expect(reserved([calls("role_day", 9), money("task", 9)], one)).toEqual(of([role], "calls", "", 1));
});

test("amounts are taken out of the arguments themselves, never out of their prototype", () => {
  const given = Object.create({ amount: 5, currency: "USD" });
  expect(amountsOf({ limited: { amount: "currency" } }, given)).toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("the largest amounts cannot wrap around a limit", () => {
  const max = Number.MAX_SAFE_INTEGER;
  expect(codeOf(reserve([money("task", max)], [usd(max)], account, () => 1))).toBe("LIMIT_TASK");
});

test("each customer, role, capability, day and currency has totals of its own", () => {
  const keys = (other: Partial<Account>, unit = "USD") => {
    const end = reserve([money("role_day", 9, unit)], [{ ...usd(1), unit }], { ...account, ...other }, empty);
    return JSON.stringify(end.end === "done" ? end.value.map(({ key }) => key) : null);
  };
  const variants = [{}, { subject: "t" }, { role: "other" }, { capability: "a:b" }, { day: "2026-11-23" }];
  const distinct = new Set([...variants.map((variant) => keys(variant)), keys({}, "EUR")]);
  expect(distinct.size).toBe(6);
});

test("what is taken is added to its total, what is given back is taken off it, and the log is told of both", async () => {
  const folder = mkdtempSync(join(tmpdir(), "silo-ledger-"));
  const store = openStore(folder);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const end = reserve([money("task", 500), calls("task", 5)], [usd(200), one], { ...account, subject: null }, empty);
  const reservations = end.end === "done" ? end.value : expect.fail(end.code);
  const change = (changed: typeof take | typeof release) =>
    store.transaction(() => changed(store.ledger, reservations));
  const effects = (amount: number, sum: number, called: number, count: number) => [
    { scope: "task", measure: "amount", unit: "USD", amount, total: sum },
    { scope: "role_day", measure: "amount", unit: "USD", amount, total: sum },
    { scope: "task", measure: "calls", unit: null, amount: called, total: count },
  ];
  const totals = () => store.ledger.all().map(({ value }) => value);
  expect(change(take)).toEqual(effects(200, 200, 1, 1));
  expect(change(take)).toEqual(effects(200, 400, 1, 2));
  expect(totals()).toEqual([400, 400, 2]);
  expect(change(release)).toEqual(effects(-200, 200, -1, 1));
  expect(totals()).toEqual([200, 200, 1]);
});
