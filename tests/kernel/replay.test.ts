import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import { claimComparison } from "../../kernel/comparison.ts";
import { compareCall } from "../../kernel/comparisons.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { intend } from "../../kernel/intend.ts";
import { outcome } from "../../kernel/outcome.ts";
import type { Ending } from "../../kernel/records.ts";
import { concludeReplay, openReplay } from "../../kernel/replay.ts";
import type { Store } from "../../kernel/store.ts";
import {
  call,
  codeOf,
  end,
  lease,
  now,
  openWorld,
  refund,
  report,
  submitTask,
  type World,
  waitingCell,
} from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const complete = { how: "complete" as const, text: "Dear [NAME_1]", fields: {} };

/** An ended task: a read, a refund, a refusal. */
function endedTask(): string {
  const task = submitTask(world);
  const claimed = lease(world, task);
  call(world, claimed, 1, "customer:read");
  report(world, claimed, 1, { value: "cmVhZA" });
  call(world, claimed, 2, "refund:create", refund(100));
  report(world, claimed, 2, { value: "cmVmdW5k" });
  call(world, claimed, 3, "refund:create", refund(60_000));
  end(world, task, complete);
  return task;
}

function begin(task: string) {
  const opened = openReplay(world.core, task, "admin");
  if (opened.end !== "done") throw new Error(JSON.stringify(opened));
  const comparison = opened.value;
  const waiting = waitingCell(comparison.role);
  const claimed = now(world, () => claimComparison(world.core, world.mint, comparison, waiting));
  const { cell, assignment, epoch } = claimed.lease;
  const place = { cell, assignment, epoch };
  return {
    claimed,
    place,
    ask: (step: number, capability: string, given: Record<string, Json> = {}) =>
      now(world, () => compareCall(world.core, comparison, { ...place, step, capability, arguments: given })),
    conclude: (ending: Ending | null = complete) => {
      const compared = now(world, () => concludeReplay(world.core, comparison, ending));
      if (compared.end !== "done") throw new Error(JSON.stringify(compared));
      return compared.value;
    },
  };
}

/** Everything the kernel keeps, but the log. */
function kept(store: Store): string {
  const { audit: _, auditByTask: __, transaction: ___, close: ____, ...tables } = store;
  return JSON.stringify(Object.entries(tables).map(([name, table]) => [name, table.all()]));
}

const lastEntry = () => JSON.parse(world.store.audit.all().at(-1)?.value.entry ?? "");

test("an agent that does the same gets what was recorded, and it is said so", () => {
  const { claimed, ask, conclude } = begin(endedTask());
  expect(claimed.document).toMatchObject({ mode: "replay", first_step: 1, role: "refund-agent" });
  expect(ask(1, "customer:read")).toEqual({ end: "done", value: { permit: null, replay: "cmVhZA", stand_in: false } });
  expect(ask(2, "refund:create", refund(100))).toMatchObject({ value: { permit: null, replay: "cmVmdW5k" } });
  expect(codeOf(ask(3, "refund:create", refund(60_000)))).toBe("LIMIT_CALL");
  expect(conclude()).toEqual({ role: "refund-agent", calls: 3, same: true, difference: null });
  expect(lastEntry()).toMatchObject({ verb: "replay", outcome: "same" });
});

test("the first call that differs is shown side by side, and every later one is refused", () => {
  const { ask, conclude } = begin(endedTask());
  ask(1, "customer:read");
  expect(codeOf(ask(2, "refund:create", refund(200)))).toBe("REPLAY_DIVERGED");
  expect(codeOf(ask(2, "refund:create", refund(100)))).toBe("REPLAY_DIVERGED");
  expect(conclude(null)).toMatchObject({
    ...{ calls: 1, same: false },
    difference: {
      step: 2,
      recorded: { what: "refund:create", arguments: refund(100) },
      made: { what: "refund:create", arguments: refund(200) },
    },
  });
  expect(lastEntry()).toMatchObject({ verb: "replay", outcome: "different" });
});

test("a call beyond the record, one that is left out, another answer and an end without word are differences", () => {
  const task = endedTask();
  const all = (run: ReturnType<typeof begin>) => {
    run.ask(1, "customer:read");
    run.ask(2, "refund:create", refund(100));
    run.ask(3, "refund:create", refund(60_000));
  };
  const beyond = begin(task);
  all(beyond);
  expect(codeOf(beyond.ask(4, "order:list"))).toBe("REPLAY_DIVERGED");
  expect(beyond.conclude().difference).toMatchObject({ step: 4, recorded: null, made: { what: "order:list" } });
  const short = begin(task);
  short.ask(1, "customer:read");
  expect(short.conclude().difference).toMatchObject({ step: 2, recorded: { what: "refund:create" }, made: null });
  const other = begin(task);
  all(other);
  expect(other.conclude({ ...complete, text: "Go away" }).difference).toMatchObject({
    ...{ step: null, recorded: { arguments: { text: "Dear [NAME_1]" } }, made: { arguments: { text: "Go away" } } },
  });
  const mute = begin(task);
  all(mute);
  expect(mute.conclude({ how: "exit" }).difference).toMatchObject({ step: null, made: { what: "exit" } });
});

test("only a task that has ended is compared, and a cell that was lost says nothing", () => {
  const task = submitTask(world);
  expect(openReplay(world.core, task, "admin")).toMatchObject({ code: "TASK_STATE" });
  expect(openReplay(world.core, "task_0000000000000000", "admin")).toMatchObject({ code: "TASK_UNKNOWN" });
  const run = begin(endedTask());
  run.ask(1, "customer:read");
  expect(() => run.conclude({ how: "lost" })).toThrow("later");
});

test("another cell, or another epoch, does not speak for it", () => {
  const task = endedTask();
  const [one, two] = [begin(task), begin(task)];
  const opened = openReplay(world.core, task, "admin");
  if (opened.end !== "done") throw new Error(opened.code);
  for (const place of [one.place, { ...two.place, epoch: 99 }])
    expect(
      codeOf(
        now(world, () =>
          compareCall(world.core, opened.value, { ...place, step: 1, capability: "customer:read", arguments: {} }),
        ),
      ),
    ).toBe("EPOCH_STALE");
});

const asked = fc.record({
  step: fc.integer({ min: 1, max: 5 }),
  capability: fc.constantFrom("customer:read", "refund:create", "email:send", "order:list", "customer:known", "x:y"),
  given: fc.constantFrom<JsonObject>({}, refund(100), refund(200), refund(60_000), { order: "O1" }),
  through: fc.constantFrom("compare", "intend", "outcome"),
});

test("whatever is asked in mode replay, there is no permit, and nothing the kernel keeps changes but the log", async () => {
  const task = endedTask();
  const before = kept(world.store);
  await fc.assert(
    fc.property(fc.array(asked, { maxLength: 12 }), (calls) => {
      const { ask, place, conclude } = begin(task);
      for (const { step, capability, given, through } of calls) {
        const body = { ...place, step, capability, arguments: given };
        if (through === "compare") {
          const told = ask(step, capability, given);
          expect(told.end === "done" ? told.value.permit : null).toBe(null);
        } else if (through === "intend") {
          expect(codeOf(now(world, () => intend(world.core, body)))).toBe("EPOCH_STALE");
        } else {
          const { assignment, epoch } = place;
          const said = { end: "done" as const, code: null, message: null, value: "eA", table: "eA", proof: null };
          const report = { task, assignment, epoch, step, ...said, tokens: [], fields: [] };
          expect(codeOf(now(world, () => outcome(world.core, report)))).toBe("EPOCH_STALE");
        }
      }
      conclude();
      expect(kept(world.store)).toBe(before);
    }),
    { numRuns: 60 },
  );
});
