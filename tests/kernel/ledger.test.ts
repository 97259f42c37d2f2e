import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Limit } from "../../kernel/abi/grant.ts";
import { type Account, type Amount, amountsOf, release, reserve, take } from "../../kernel/ledger.ts";
import type { TotalKey } from "../../kernel/records.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

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
});

test.each([-1, 1.5, 2 ** 53, "5", null, true, undefined])("the amount %j is no amount", (amount) => {
  const given = amount === undefined ? { currency: "USD" } : { amount, currency: "USD" };
  expect(amountsOf({ limited: { amount: "currency" } }, given)).toMatchObject({ code: "ARGUMENT_INVALID" });
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

const amounts = fc.array(
  fc.record({
    kind: fc.constantFrom("take", "release"),
    amount: fc.integer({ min: 0, max: 400 }),
    unit: fc.constantFrom("USD", "EUR"),
    subject: fc.constantFrom("s1", "s2", null),
    task: fc.constantFrom("t1", "t2"),
    day: fc.constantFrom("2026-11-22", "2026-11-23"),
  }),
  { maxLength: 60 },
);

test("against a model: no total passes its limit, every total is the sum of what is still taken", () => {
  const limits = [money("call", 300), money("task", 700), money("customer_day", 900), money("role_day", 1500)];
  limits.push(...limits.map((limit) => ({ ...limit, unit: "EUR" })));
  let round = 0;
  fc.assert(
    fc.property(amounts, (steps) => {
      const role = `role-${round++}`;
      const held: { amount: number; unit: string; subject: string; task: string; day: string; keys: Taken }[] = [];
      const sum = (match: Partial<(typeof held)[number]>) =>
        held
          .filter((entry) => Object.entries(match).every(([name, value]) => entry[name as "unit"] === value))
          .reduce((total, { amount }) => total + amount, 0);
      for (const { kind, amount, unit, subject, task, day } of steps) {
        if (kind === "release") {
          const gone = held.shift();
          if (gone !== undefined) world.store.transaction(() => release(world.store.ledger, gone.keys));
          continue;
        }
        const end = reserve(limits, [{ ...usd(amount), unit }], { ...account, role, subject, task, day }, totalOf);
        const allowed =
          subject !== null &&
          amount <= 300 &&
          sum({ unit, task }) + amount <= 700 &&
          sum({ unit, subject, day }) + amount <= 900 &&
          sum({ unit, day }) + amount <= 1500;
        expect(end.end).toBe(allowed ? "done" : "refused");
        if (end.end !== "done" || subject === null) continue;
        world.store.transaction(() => take(world.store.ledger, end.value));
        held.push({ amount, unit, subject, task, day, keys: end.value });
      }
      for (const { unit, day, subject } of held)
        expect(totalOf(["customer_day", day, subject, role, "refund:create", "amount", unit])).toBe(
          sum({ unit, day, subject }),
        );
    }),
    { numRuns: 60 },
  );
});

type Taken = Parameters<typeof take>[1];
const totalOf = (key: TotalKey) => world.store.ledger.get(key) ?? 0;
