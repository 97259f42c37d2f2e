/** An agent that asks for everything at once, or for very little very often. */
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Scope } from "../../../kernel/abi/grant.ts";
import { storeFaults } from "../../../kernel/faults.ts";
import { codeOf, logged, now, openWorld, type World } from "../../kernel/world.ts";
import { attemptOf, calls, limitCodes, refunding, setLimits, subjectOf, totalsOf, usd } from "./ledger-world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const IN_FLIGHT = 80;
const LIMIT = 1_000;

/** The cells that ask: of one task, of one customer, of one role. */
const askers: Record<Exclude<Scope, "call">, () => { claimed: ReturnType<typeof attemptOf>; step: number }[]> = {
  task: () => {
    const claimed = attemptOf(world);
    return Array.from({ length: IN_FLIGHT }, (_, at) => ({ claimed, step: at + 1 }));
  },
  customer_day: () => Array.from({ length: IN_FLIGHT }, () => ({ claimed: attemptOf(world), step: 1 })),
  role_day: () => Array.from({ length: IN_FLIGHT }, (_, at) => ({ claimed: attemptOf(world, at), step: 1 })),
};
const scopes = ["task", "customer_day", "role_day"] as const;

test.each(scopes.flatMap((scope) => [1, 7, IN_FLIGHT].map((width) => [scope, width] as const)))(
  "of many calls in flight exactly as many pass as fit under the limit of a %s, in groups of %i",
  async (scope, width) => {
    const amount = 90;
    setLimits(world, [usd(scope, LIMIT)]);
    const ends: Promise<unknown>[] = [];
    for (const [at, { claimed, step }] of askers[scope]().entries()) {
      ends.push(world.core.commit(refunding(world, claimed, step, amount)));
      if (at % width === width - 1) await setImmediate();
    }
    const codes = (await Promise.all(ends)).map((end) => codeOf(end as { end: string }));
    const fits = Math.floor(LIMIT / amount);
    expect(codes).toEqual([...Array(fits).fill("done"), ...Array(IN_FLIGHT - fits).fill(limitCodes[scope])]);
    const totals = Object.entries(totalsOf(world)).filter(([name]) => name.startsWith(`${scope} `));
    expect(totals.map(([, total]) => total)).toEqual([fits * amount]);
    expect(world.store.open.count()).toBe(fits);
    expect(logged(world).filter((line) => line === `intend ${limitCodes[scope]}`)).toHaveLength(IN_FLIGHT - fits);
  },
);

test("two calls that would pass a limit together are not both permitted in one group", async () => {
  setLimits(world, [usd("customer_day", 50_000)]);
  const intended = [attemptOf(world), attemptOf(world)].map((claimed) =>
    world.core.commit(refunding(world, claimed, 1, 30_000)),
  );
  expect((await Promise.all(intended)).map(codeOf)).toEqual(["done", "LIMIT_CUSTOMER_DAY"]);
});

test("the same call many times in flight is one reservation", async () => {
  setLimits(world, [usd("task", LIMIT)]);
  const claimed = attemptOf(world);
  const ends = await Promise.all(
    Array.from({ length: IN_FLIGHT }, () => world.core.commit(refunding(world, claimed, 1, LIMIT))),
  );
  expect(new Set(ends.map(codeOf))).toEqual(new Set(["done"]));
  expect(totalsOf(world)[`task  ${claimed.document.task} amount`]).toBe(LIMIT);
});

test("a thousand small calls are counted to the last cent and the last call, in every scope", async () => {
  const count = 1_000;
  const amountOf = (step: number) => 1 + ((step * 7_919) % 97);
  const sum = Array.from({ length: count }, (_, at) => amountOf(at + 1)).reduce((a, b) => a + b);
  setLimits(
    world,
    scopes.flatMap((scope) => [usd(scope, sum), calls(scope, count + 2)]),
  );
  const claimed = attemptOf(world);
  for (let step = 1; step <= count; step += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        world.core.commit(refunding(world, claimed, step + at, amountOf(step + at))),
      ),
    );
  const whos = { task: ` ${claimed.document.task}`, customer_day: subjectOf(0), role_day: "refund-agent" };
  for (const scope of scopes) {
    const day = scope === "task" ? "" : "2026-11-22 ";
    const total = (measure: string) => totalsOf(world)[`${scope} ${day}${whos[scope]} ${measure}`];
    expect([scope, total("amount"), total("calls")]).toEqual([scope, sum, count]);
  }
  expect(codeOf(now(world, refunding(world, claimed, count + 1, 1)))).toBe("LIMIT_TASK");
  expect(codeOf(now(world, refunding(world, claimed, count + 2, 0)))).toBe("ARGUMENT_INVALID");
});

test("a call more than are allowed is refused, however small, in every scope", () => {
  for (const scope of scopes) {
    setLimits(world, [usd("call", LIMIT), calls(scope, 3)]);
    const customer = 10 + scopes.indexOf(scope);
    world.clock.now += 24 * 60 * 60 * 1000;
    const cell = scope === "task" ? attemptOf(world, customer) : null;
    const codes = [1, 2, 3, 4].map((step) =>
      codeOf(now(world, refunding(world, cell ?? attemptOf(world, customer), cell === null ? 1 : step, 1))),
    );
    expect(codes).toEqual(["done", "done", "done", limitCodes[scope]]);
  }
});
