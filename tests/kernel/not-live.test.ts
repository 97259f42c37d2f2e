/** Runs in shadow and try: what they may do, what they leave, and what an agent tries that notices it only plays. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CASE_TABLE_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { done } from "../../kernel/abi/ends.ts";
import { newId } from "../../kernel/abi/ids.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import { type Comparison, claimComparison } from "../../kernel/comparison.ts";
import { compareCall } from "../../kernel/comparisons.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { intend } from "../../kernel/intend.ts";
import { learn, MADE_BYTES_MAX } from "../../kernel/not-live.ts";
import { outcome } from "../../kernel/outcome.ts";
import type { Ending } from "../../kernel/records.ts";
import { concludeShadow, shadowRun } from "../../kernel/shadow.ts";
import { openShadow } from "../../kernel/shadows.ts";
import type { Store } from "../../kernel/store.ts";
import { concludeTry, openTry } from "../../kernel/try.ts";
import {
  BUNDLE,
  call,
  codeOf,
  end,
  lease,
  now,
  openWorld,
  refund,
  report,
  role,
  submitTask,
  type World,
  waitingCell,
} from "./world.ts";

const STAGED = "c".repeat(64);
const complete: Ending = { how: "complete", text: "Dear [NAME_1]", fields: {} };
type Report = Parameters<typeof outcome>[1];

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

function begin(comparison: Comparison) {
  const waiting = waitingCell(comparison.role);
  const claimed = now(world, () => claimComparison(world.core, world.mint, comparison, waiting));
  const { cell, assignment, epoch } = claimed.lease;
  const place = { cell, assignment, epoch };
  const said = {
    end: "done" as const,
    code: null,
    message: null,
    value: "eA",
    table: null,
    proof: null,
    tokens: [],
    fields: [],
  };
  return {
    ...{ claimed, place, comparison },
    ask: (step: number, capability: string, given: Record<string, Json> = {}) =>
      now(world, () => compareCall(world.core, comparison, { ...place, step, capability, arguments: given })),
    learn: (step: number, over: Partial<Report> = {}) =>
      now(world, () =>
        learn(world.core, comparison, { task: comparison.task, assignment, epoch, step, ...said, ...over }),
      ),
  };
}

function tryOf(task: string, named: string | null = null) {
  return openTry(world.core, { task, role: named, who: "admin" }, () => done(STAGED));
}

function tried(task: string, named: string | null = null) {
  const opened = tryOf(task, named);
  if (opened.end !== "done") throw new Error(JSON.stringify(opened));
  return begin(opened.value);
}

function finish(run: ReturnType<typeof begin>, ending: Ending | null = complete) {
  const ended = now(world, () => concludeTry(world.core, run.comparison, ending));
  if (ended.end !== "done") throw new Error(JSON.stringify(ended));
  return ended.value;
}

/** An agent's run in shadow beside a manager who has this task. */
function shadowed(): { task: string; run: ReturnType<typeof begin> } {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  const { assignment } = world.store.tasks.get(task) ?? expect.fail("no task");
  now(world, () => openShadow(world.store, task, assignment, "refund-agent", world.clock.now));
  return { task, run: begin(shadowRun(world.core, task, role("refund-agent"))) };
}

/** Everything the kernel keeps, but the log and what was brought up in the case. */
function kept(store: Store): string {
  const { audit: _, auditByTask: __, cases: ___, caseTables: ____, transaction, close, ...tables } = store;
  expect([typeof transaction, typeof close]).toEqual(["function", "function"]);
  return JSON.stringify(Object.entries(tables).map(([name, table]) => [name, table.all()]));
}

const entries = () => world.store.audit.all().map(({ value }) => JSON.parse(value.entry));

describe("a call of a run in try", () => {
  test("reads with a permit of its mode under an assignment of its own", () => {
    const task = submitTask(world);
    const { claimed, place, ask } = tried(task);
    expect(claimed.document).toMatchObject({ mode: "try", task, role: "refund-agent" });
    const live = world.store.tasks.get(task)?.assignment;
    expect([place.assignment === live, world.store.assignments.has(place.assignment)]).toEqual([false, false]);
    expect(ask(1, "customer:read")).toMatchObject({
      value: { permit: { mode: "try", ...{ assignment: place.assignment } } },
    });
  });

  test("gets the stand-in for an effect, and what it asked is kept with its tokens", () => {
    const run = tried(submitTask(world));
    expect(run.ask(1, "refund:create", refund(100))).toEqual(done({ permit: null, replay: null, stand_in: true }));
    expect(finish(run).calls).toEqual([
      { step: 1, capability: "refund:create", arguments: refund(100), outcome: "recorded", code: null, message: null },
    ]);
  });

  test("is judged by the grant in force, with what this run would have spent, and without what the task spent live", () => {
    const task = submitTask(world);
    const live = lease(world, task);
    call(world, live, 1, "refund:create", refund(30_000));
    report(world, live, 1);
    const before = JSON.stringify(world.store.ledger.all());
    const run = tried(task);
    expect(run.ask(1, "refund:create", refund(30_000))).toMatchObject({ value: { stand_in: true } });
    expect(codeOf(run.ask(2, "refund:create", refund(20_001)))).toBe("LIMIT_CUSTOMER_DAY");
    expect(run.ask(3, "refund:create", refund(20_000))).toMatchObject({ value: { stand_in: true } });
    expect(codeOf(run.ask(4, "refund:create", refund(60_000)))).toBe("LIMIT_CALL");
    expect(codeOf(run.ask(5, "kv:set", { key: "a", value: "b" }))).toBe("CAPABILITY_NOT_GRANTED");
    expect(JSON.stringify(world.store.ledger.all())).toBe(before);
    expect(codeOf(call(world, live, 2, "refund:create", refund(20_000)))).toBe("done");
    report(world, live, 2);
  });

  test("at a step it made before is the same call, or is refused", () => {
    const run = tried(submitTask(world));
    run.ask(1, "refund:create", refund(100));
    expect(run.ask(1, "refund:create", refund(100))).toMatchObject({ value: { stand_in: true } });
    expect(codeOf(run.ask(1, "refund:create", refund(200)))).toBe("REPLAY_DIVERGED");
    expect(codeOf(run.ask(2, "refund:create", refund(60_000)))).toBe("LIMIT_CALL");
    expect(codeOf(run.ask(2, "refund:create", refund(60_000)))).toBe("LIMIT_CALL");
    expect(finish(run).calls).toHaveLength(2);
  });

  test("enters the log with its mode", () => {
    const run = tried(submitTask(world));
    run.ask(1, "customer:read");
    run.learn(1, { tokens: ["[NAME_1]"] });
    finish(run);
    const own = entries().filter(({ mode }) => mode === "try");
    expect(own.map(({ verb, who, step, decision, event }) => ({ verb, who, step, decision, event }))).toEqual([
      { verb: "try", who: "admin" },
      { verb: "intend", step: 1, decision: "allowed" },
      { verb: "outcome", step: 1 },
      { verb: "try", event: "Completed" },
    ]);
  });

  test("is refused when the run has recorded as much as one may", () => {
    const run = tried(submitTask(world));
    const long = { order: "O1234", amount: 1, currency: "USD", reason: "x".repeat(1000) };
    let steps = 0;
    while (run.comparison.made_bytes < MADE_BYTES_MAX && steps < 2000) run.ask(++steps, "refund:create", long);
    expect(codeOf(run.ask(steps + 1, "refund:create", long))).toBe("RESULT_TOO_LARGE");
    expect(run.ask(steps, "refund:create", long)).toMatchObject({ value: { stand_in: true } });
    expect(run.comparison.made.size).toBe(steps);
  });
});

describe("what a read brought up", () => {
  test("stays with the case, every time it is reported, and its value is kept nowhere", () => {
    const task = submitTask(world);
    const matter = world.store.tasks.get(task)?.case ?? "";
    const run = tried(task);
    run.ask(1, "customer:read");
    expect(run.learn(1, { table: "dGFibGUx", value: "c2VjcmV0" })).toEqual(done({}));
    expect(run.learn(1, { table: "dGFibGUy", value: "c2VjcmV0" })).toEqual(done({}));
    expect(world.store.caseTables.under([matter]).map(({ value }) => value)).toEqual([
      "c2VhbGVk",
      "dGFibGUx",
      "dGFibGUy",
    ]);
    expect(kept(world.store)).not.toContain("c2VjcmV0");
  });

  test("is not shown where the case has no room for it", () => {
    const task = submitTask(world);
    const matter = world.store.cases.get(world.store.tasks.get(task)?.case ?? "") ?? expect.fail("no case");
    const run = tried(task);
    run.ask(1, "customer:read");
    const table = "x".repeat(CASE_TABLE_BYTES_MAX - matter.table_bytes + 1);
    expect(codeOf(run.learn(1, { table }))).toBe("CASE_TABLE_FULL");
    expect(finish(run).calls[0]).toMatchObject({ outcome: "refused", code: "CASE_TABLE_FULL" });
  });

  test("of a call that a live run made twice at once stays with the case as well", () => {
    const task = submitTask(world);
    const claimed = lease(world, task);
    call(world, claimed, 1, "customer:read");
    call(world, claimed, 1, "customer:read");
    report(world, claimed, 1, { table: "dGFibGUx" });
    report(world, claimed, 1, { table: "dGFibGUy" });
    const matter = world.store.tasks.get(task)?.case ?? "";
    expect(world.store.caseTables.under([matter]).map(({ value }) => value)).toEqual([
      "c2VhbGVk",
      "dGFibGUx",
      "dGFibGUy",
    ]);
  });
});

describe("an agent that notices it is in shadow, and acts", () => {
  test("speaks for nobody but itself: not for the live task, not after its end, not from another cell", () => {
    const { task, run } = shadowed();
    const live = world.store.tasks.get(task)?.assignment ?? "";
    const read = { step: 1, capability: "customer:read", arguments: {} };
    for (const place of [
      { ...run.place, assignment: live },
      { ...run.place, epoch: 2 },
      { ...run.place, cell: newId("cell", randomBytes) },
    ]) {
      expect(codeOf(now(world, () => compareCall(world.core, run.comparison, { ...place, ...read })))).toBe(
        "EPOCH_STALE",
      );
      expect(codeOf(now(world, () => intend(world.core, { ...place, ...read })))).toBe("EPOCH_STALE");
    }
    run.comparison.over = true;
    expect(codeOf(run.ask(1, "customer:read"))).toBe("EPOCH_STALE");
  });

  test("with a vault in its hand, it reports nothing that was not permitted", () => {
    const { run } = shadowed();
    run.ask(1, "refund:create", refund(1));
    run.ask(2, "kv:get", { key: "not granted" });
    for (const step of [1, 2, 3]) expect(codeOf(run.learn(step, { table: "dGFibGU" }))).toBe("EPOCH_STALE");
    run.ask(4, "customer:read");
    expect(codeOf(run.learn(4, { epoch: 2 }))).toBe("EPOCH_STALE");
  });

  const asked = fc.record({
    step: fc.integer({ min: 1, max: 4 }),
    capability: fc.constantFrom("customer:read", "refund:create", "email:send", "order:list", "customer:known", "x:y"),
    given: fc.constantFrom<JsonObject>({}, refund(100), refund(60_000), { order: "O1" }),
    through: fc.constantFrom("compare", "intend", "outcome", "learn"),
    mine: fc.boolean(),
  });

  test("whatever it asks, by whatever way: no permit for an effect, and nothing the kernel keeps changes but log and table", () => {
    const { task, run: first } = shadowed();
    const live = world.store.tasks.get(task)?.assignment ?? "";
    const before = kept(world.store);
    fc.assert(
      fc.property(fc.constantFrom("shadow", "try"), fc.array(asked, { maxLength: 12 }), (mode, calls) => {
        const run = mode === "try" ? tried(task) : begin(shadowRun(world.core, task, first.comparison.role));
        for (const { step, capability, given, through, mine } of calls) {
          const place = mine ? run.place : { ...run.place, assignment: live };
          const body = { ...place, step, capability, arguments: given };
          if (through === "compare") {
            const told = now(world, () => compareCall(world.core, run.comparison, body));
            const permit = told.end === "done" ? told.value.permit : null;
            if (permit === null) continue;
            expect(world.core.operations.get(permit.capability)?.effect).toBe("read");
            expect(permit).toMatchObject({ mode, assignment: run.place.assignment });
          } else if (through === "intend") {
            expect(codeOf(now(world, () => intend(world.core, body)))).toBe("EPOCH_STALE");
          } else {
            const { assignment, epoch } = place;
            const said = { end: "done" as const, code: null, message: null, value: "eA", table: "eA", proof: null };
            const told = { task, assignment, epoch, step, ...said, tokens: [], fields: [] };
            if (through === "learn") run.learn(step, { table: "eA" });
            else expect(codeOf(now(world, () => outcome(world.core, told)))).toBe("EPOCH_STALE");
          }
        }
        expect(kept(world.store)).toBe(before);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a shadow", () => {
  test("is kept beside the task with its calls and its ending, and changes nothing of it", () => {
    const { task, run } = shadowed();
    const place = JSON.stringify(world.store.waiting.get(task));
    run.ask(1, "refund:create", refund(100));
    now(world, () => concludeShadow(world.core, run.comparison, complete));
    expect(world.store.shadows.get(task)).toMatchObject({
      ...{ state: "ran", role: "refund-agent" },
      run: { bundle: BUNDLE, ending: complete, calls: [{ capability: "refund:create", outcome: "recorded" }] },
    });
    expect([JSON.stringify(world.store.waiting.get(task)), world.store.shadowsDue.count()]).toEqual([place, 0]);
    expect(entries().at(-1)).toMatchObject({ verb: "shadow", mode: "shadow", event: "Completed" });
  });

  test("that came to nothing is due again later, as often as an attempt, and is then given up", () => {
    const { task, run } = shadowed();
    const { max } = world.core.settings.attempts;
    for (let failures = 1; failures < max; failures++) {
      now(world, () => concludeShadow(world.core, run.comparison, { how: "lost" }));
      expect(world.store.shadows.get(task)).toMatchObject({ state: "due", failures });
      expect(world.store.shadows.get(task)?.due).toBeGreaterThan(world.clock.now);
    }
    now(world, () => concludeShadow(world.core, run.comparison, { how: "lost" }));
    expect(world.store.shadows.get(task)).toMatchObject({ state: "given up", run: null });
    expect(entries().at(-1)).toMatchObject({ verb: "shadow", outcome: "given up" });
  });

  test("gets what the person was given", () => {
    const { run } = shadowed();
    expect(run.claimed.document).toMatchObject({
      ...{ mode: "shadow", role: "refund-agent", first_step: 1 },
      history: [{ role: "refund-agent", reason: "r" }],
    });
  });
});

describe("task try", () => {
  test("runs the folder with the grant and the bounds in force, whatever it asks for", () => {
    const opened = tryOf(submitTask(world));
    expect(opened).toMatchObject({ value: { role: { ...role("refund-agent"), bundle: STAGED } } });
  });

  test("says the first difference to what that role did, and nothing where it did not have the task", () => {
    const task = submitTask(world);
    const live = lease(world, task);
    call(world, live, 1, "customer:read");
    report(world, live, 1);
    end(world, task, complete);
    const same = tried(task);
    same.ask(1, "customer:read");
    expect(finish(same)).toMatchObject({ compared: true, difference: null, approved: false, bundle: STAGED });
    const more = tried(task);
    more.ask(1, "customer:read");
    more.ask(2, "refund:create", refund(100));
    expect(finish(more).difference).toMatchObject({ step: 2, recorded: null, made: { arguments: refund(100) } });
    const none = tried(task);
    expect(finish(none).difference).toMatchObject({ step: 1, recorded: { what: "customer:read" }, made: null });
    const other = tried(task);
    other.ask(1, "customer:read");
    expect(finish(other, { ...complete, text: "No" }).difference).toMatchObject({ step: null });
    expect(finish(tried(task, "hello"))).toMatchObject({ compared: false, difference: null });
  });

  test("is refused, with what to do, where there is nothing to try it with", () => {
    const task = submitTask(world);
    world.roles.delete("refund-agent");
    expect(tryOf(task)).toMatchObject({ code: "ROLE_UNKNOWN", message: expect.stringContaining("silo agent approve") });
    expect(tryOf(task, "refund-manager")).toMatchObject({ code: "ROLE_UNKNOWN" });
    expect(tryOf("task_0000000000000000")).toMatchObject({ code: "TASK_UNKNOWN" });
    world.roles.set("refund-agent", role("refund-agent", { human: true }));
    const byHand = submitTask(world);
    expect(tryOf(byHand)).toMatchObject({ code: "TASK_STATE", message: expect.stringContaining("--agent") });
    world.roles.set("refund-agent", role("refund-agent"));
  });

  test("a case the vault does not open says so, and a lost cell nothing", () => {
    const gone = tried(submitTask(world));
    gone.comparison.fault = { end: "refused", code: "CASE_UNKNOWN", message: "gone" };
    expect(now(world, () => concludeTry(world.core, gone.comparison, null))).toMatchObject({ code: "CASE_UNKNOWN" });
    const lost = tried(submitTask(world));
    expect(now(world, () => concludeTry(world.core, lost.comparison, { how: "lost" })).end).toBe("later");
  });
});
