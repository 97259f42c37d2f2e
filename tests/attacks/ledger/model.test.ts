/**
 * The ledger against a model: whatever is asked, reported, forbidden or interrupted, on whatever day, no total passes its limit, and every total is
 * the sum of what happened or may have happened.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Claimed } from "../../../kernel/claim.ts";
import { storeFaults } from "../../../kernel/faults.ts";
import { positionOf } from "../../../kernel/queue.ts";
import { expireOverdue, recover } from "../../../kernel/recovery.ts";
import { codeOf, LIFE, lease, now, openWorld, report, submitTask, type World } from "../../kernel/world.ts";
import { calls, limitCodes, refunding, setLimits, subjectOf, totalsOf, usd } from "./ledger-world.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const scopes = ["call", "task", "customer_day", "role_day"] as const;
type Scope = (typeof scopes)[number];

/** A refund that was permitted, in the task that then stood in one of three places: the first two are of one customer. */
type Taken = { place: number; task: string; step: number; amount: number; day: string; open: boolean };
const customerOf = (place: number) => (place < 2 ? 0 : 1);

class Model {
  readonly limits: Record<Scope, number> = { call: 400, task: 700, customer_day: 900, role_day: 1_200 };
  callsPerDay = 12;
  taken: Taken[] = [];

  of(scope: Scope, { place, task, day }: Pick<Taken, "place" | "task" | "day">): Taken[] {
    return this.taken.filter((one) => {
      if (scope === "task") return one.task === task;
      if (scope === "customer_day") return one.day === day && customerOf(one.place) === customerOf(place);
      return scope === "role_day" && one.day === day;
    });
  }

  verdict(asked: Pick<Taken, "place" | "task" | "day" | "amount">): string {
    if (this.of("role_day", asked).length + 1 > this.callsPerDay) return limitCodes.role_day;
    const passed = scopes.find((scope) => sum(this.of(scope, asked)) + asked.amount > this.limits[scope]);
    return passed === undefined ? "done" : limitCodes[passed];
  }
}

const sum = (taken: Taken[]) => taken.reduce((total, { amount }) => total + amount, 0);

/** The kernel's records beside the model. A task whose attempt is over gets the next one before it says anything. */
class Real {
  readonly model = new Model();
  readonly folder = mkdtempSync(join(tmpdir(), "silo-ledger-"));
  readonly places = [
    { task: "", steps: 0 },
    { task: "", steps: 0 },
    { task: "", steps: 0 },
  ];
  world!: World;

  async open(): Promise<this> {
    this.world = await openWorld(this.folder);
    this.setLimits();
    for (const at of this.places.keys()) this.begin(at);
    return this;
  }

  async restart(): Promise<void> {
    const { clock, store } = this.world;
    await store.close();
    this.world = await openWorld(this.folder);
    this.world.clock.now = clock.now;
    this.setLimits();
    now(this.world, () => recover(this.world.core, LIFE));
  }

  setLimits(): void {
    const { limits, callsPerDay } = this.model;
    setLimits(this.world, [...scopes.map((scope) => usd(scope, limits[scope])), calls("role_day", callsPerDay)]);
  }

  today(): string {
    return this.world.core.day(this.world.clock.now);
  }

  begin(place: number): string {
    const task = submitTask(this.world, { subject: subjectOf(customerOf(place)) });
    this.places[place] = { task, steps: 0 };
    return task;
  }

  /** What is left open in a task that is no longer an agent's stays counted: somebody else decides it. */
  leave(task: string): void {
    for (const one of this.model.taken) if (one.task === task) one.open = false;
  }

  attempt(place: number): Claimed {
    const { world } = this;
    const { task } = this.at(place);
    now(world, () => expireOverdue(world.core));
    const position = positionOf(world.store, task);
    if (position.state === "leased") return { lease: position.record, document: { task } } as Claimed;
    if (position.state === "ready") {
      world.clock.now = Math.max(world.clock.now, position.record.due);
      return lease(world, task);
    }
    this.leave(task);
    return lease(world, this.begin(place));
  }

  at(place: number) {
    return this.places[place] ?? expect.fail("no such place");
  }

  check(): void {
    const expected: Record<string, number> = {};
    const add = (name: string, amount: number) => {
      expected[name] = (expected[name] ?? 0) + amount;
    };
    for (const { place, task, day, amount } of this.model.taken) {
      add(`task  ${task} amount`, amount);
      add(`customer_day ${day} ${subjectOf(customerOf(place))} amount`, amount);
      add(`role_day ${day} refund-agent amount`, amount);
      add(`role_day ${day} refund-agent calls`, 1);
    }
    const real = Object.entries(totalsOf(this.world)).filter(([, total]) => total !== 0);
    expect(Object.fromEntries(real)).toEqual(expected);
  }
}

type Command = { apply(real: Real): void | Promise<void>; toString(): string };

const reserve = fc.record({ place: fc.nat(2), amount: fc.integer({ min: 1, max: 450 }) }).map(
  ({ place, amount }): Command => ({
    toString: () => `reserve ${amount} at ${place}`,
    apply(real) {
      const attempt = real.attempt(place);
      const step = ++real.at(place).steps;
      const asked = { place, task: real.at(place).task, amount, day: real.today() };
      const expected = real.model.verdict(asked);
      expect(codeOf(now(real.world, refunding(real.world, attempt, step, amount)))).toBe(expected);
      if (expected === "done") real.model.taken.push({ ...asked, step, open: true });
    },
  }),
);

/** An open call is asked for again, by whatever attempt it is now, and then it ends. */
const outcome = fc.record({ which: fc.nat(5), end: fc.constantFrom("done", "refused", "unknown") }).map(
  ({ which, end }): Command => ({
    toString: () => `open call ${which} ends ${end}`,
    apply(real) {
      const open = real.model.taken.filter((one) => one.open);
      const one = open[which % Math.max(1, open.length)];
      if (one === undefined) return;
      const attempt = real.attempt(one.place);
      if (!one.open) return;
      expect(codeOf(now(real.world, refunding(real.world, attempt, one.step, one.amount)))).toBe("done");
      const told = { end: end as "done", value: end === "done" ? "dg" : null };
      expect(codeOf(report(real.world, attempt, one.step, told))).toBe("done");
      one.open = false;
      if (end === "refused") real.model.taken = real.model.taken.filter((other) => other !== one);
    },
  }),
);

const nextDay = fc.constantFrom(1, DAY_MS / 2, DAY_MS).map(
  (ms): Command => ({
    toString: () => `${ms} ms pass`,
    apply(real) {
      real.world.clock.now += ms;
    },
  }),
);

const limit = fc.record({ scope: fc.constantFrom(...scopes, "calls" as const), max: fc.nat(1_500) }).map(
  ({ scope, max }): Command => ({
    toString: () => `the limit of a ${scope} is ${max}`,
    apply(real) {
      if (scope === "calls") real.model.callsPerDay = max % 20;
      else real.model.limits[scope] = max;
      real.setLimits();
    },
  }),
);

const restart = fc.constant<Command>({ toString: () => "restart", apply: (real) => real.restart() });

const commands = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: reserve },
    { weight: 4, arbitrary: outcome },
    { weight: 1, arbitrary: nextDay },
    { weight: 1, arbitrary: limit },
    { weight: 1, arbitrary: restart },
  ),
  { minLength: 5, maxLength: 40 },
);

test("whatever is reserved, done, refused, left unknown, limited anew or restarted: the totals are the model's", async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (given) => {
      const real = await new Real().open();
      try {
        for (const command of given) {
          await command.apply(real);
          real.check();
        }
        expect(storeFaults(real.world.store)).toEqual([]);
      } finally {
        await real.world.close();
        rmSync(real.folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 30 },
  );
}, 120_000);
