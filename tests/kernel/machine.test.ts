import fc from "fast-check";
import { expect, test } from "vitest";
import { type Claimed, claim } from "../../kernel/claim.ts";
import { assigned } from "../../kernel/core.ts";
import { askNext, decided } from "../../kernel/decide.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { handBack } from "../../kernel/hand-back.ts";
import { deliveryOf, receipt } from "../../kernel/outbox.ts";
import { positionOf } from "../../kernel/queue.ts";
import type { Ending } from "../../kernel/records.ts";
import { expireOverdue, recover } from "../../kernel/recovery.ts";
import { failStart, postpone, settle } from "../../kernel/settle.ts";
import { submit } from "../../kernel/submit.ts";
import { decideUnknown } from "../../kernel/unknown.ts";
import { call, LIFE, now, openWorld, refund, report, settled, submission, type World, waitingCell } from "./world.ts";

const endings: Ending[] = [
  { how: "complete", text: "t", fields: {} },
  { how: "escalate", reason: "r", recommendation: "", facts: {} },
  { how: "exit" },
  { how: "lost" },
  { how: "timeout" },
];

const which = fc.nat({ max: 5 });
const command = fc.oneof(
  fc.record({ do: fc.constant("submit" as const), kind: fc.constantFrom("refund", "hello"), which }),
  fc.record({ do: fc.constant("claim" as const), which }),
  fc.record({ do: fc.constant("click" as const), which }),
  fc.record({
    do: fc.constant("intend" as const),
    which,
    step: fc.integer({ min: 1, max: 3 }),
    amount: fc.constantFrom(100, 20_000, 60_000),
    read: fc.boolean(),
  }),
  fc.record({
    do: fc.constant("outcome" as const),
    which,
    step: fc.integer({ min: 1, max: 3 }),
    end: fc.constantFrom("done" as const, "refused" as const, "unknown" as const),
    table: fc.boolean(),
  }),
  fc.record({ do: fc.constant("settle" as const), which, ending: fc.constantFrom(...endings) }),
  fc.record({
    do: fc.constant("decide" as const),
    which,
    answer: fc.constantFrom("happened" as const, "void" as const, "unknown" as const, "silence" as const),
  }),
  fc.record({
    do: fc.constant("person" as const),
    which,
    step: fc.integer({ min: 1, max: 3 }),
    says: fc.constantFrom("happened" as const, "did-not" as const, "return" as const),
  }),
  fc.record({ do: fc.constant("expire" as const), which, restart: fc.boolean() }),
  fc.record({ do: fc.constant("noStart" as const), which, counted: fc.boolean() }),
  fc.record({ do: fc.constant("receipt" as const), which }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1000, 20_000, 90_000_000) }),
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** What a door, a vault and cells of this and earlier attempts could say, at any moment and in any order. */
class Run {
  readonly world: World;
  readonly tasks: string[] = [];
  /** Live attempts and dead ones: both go on talking. */
  readonly cells: Claimed[] = [];

  constructor(world: World) {
    this.world = world;
  }

  apply(command: Command): void {
    const { world, tasks, cells } = this;
    const task = "which" in command ? tasks[command.which % Math.max(1, tasks.length)] : undefined;
    const cell = "which" in command ? cells[command.which % Math.max(1, cells.length)] : undefined;
    if (command.do === "wait") world.clock.now += command.ms;
    if (command.do === "submit") this.submit(command.kind);
    if (command.do === "expire")
      now(world, () => (command.restart ? recover(this.restarted(), LIFE) : expireOverdue(world.core)));
    if (command.do === "intend" && cell !== undefined)
      call(
        world,
        cell,
        command.step,
        command.read ? "order:list" : "refund:create",
        command.read ? {} : refund(command.amount),
      );
    if (command.do === "outcome" && cell !== undefined)
      report(world, cell, command.step, {
        end: command.end,
        value: command.end === "done" ? "dg" : null,
        table: command.table ? "dGFibGU" : null,
      });
    if (task === undefined) return;
    if (command.do === "claim" || command.do === "click") this.claim(task, command.do === "click");
    if (command.do === "settle" && positionOf(world.store, task).state === "leased")
      now(world, () => settle(world.core, task, command.ending));
    if (command.do === "noStart" && positionOf(world.store, task).state === "ready")
      now(world, () => (command.counted ? failStart(world.core, task) : postpone(world.core, task)));
    if (command.do === "decide") this.decide(task, command.answer);
    if (command.do === "person") this.judge(task, command.step, command.says);
    if (command.do === "receipt") this.receive(task);
  }

  submit(kind: string): void {
    const end = now(this.world, () => submit(this.world.core, submission({ kind })));
    if (end.end === "done") this.tasks.push(end.value.task);
  }

  claim(task: string, clicks: boolean): void {
    const waiting = waitingCell(this.world.roles.get(assigned(this.world.store, task).assignment.role));
    const click = clicks ? { person: "maria", tool: "t", arguments: {} } : null;
    if (clicks) this.take(task);
    const claimed = now(this.world, () => claim(this.world.core, this.world.mint, task, waiting, click));
    if (claimed !== null) this.cells.push(claimed);
  }

  take(task: string): void {
    now(this.world, () => {
      const waiting = this.world.store.waiting.get(task);
      if (waiting?.for === "human") this.world.store.waiting.put(task, { ...waiting, person: "maria" });
    });
  }

  decide(task: string, answer: "happened" | "void" | "unknown" | "silence"): void {
    const { world } = this;
    const question = now(world, () => askNext(world.core, task));
    if (question === null || answer === "silence") return;
    const given = answer === "unknown" ? answer : settled(world, task, question.step, answer);
    now(world, () => decided(world.core, task, question, given));
  }

  judge(task: string, step: number, says: "happened" | "did-not" | "return"): void {
    const { core } = this.world;
    if (this.world.store.waiting.get(task)?.for !== "human") return;
    now(this.world, () =>
      says === "return"
        ? handBack(core, task, "maria")
        : decideUnknown(core, "maria", { task, step, decision: says, assignment: null }),
    );
  }

  receive(task: string): void {
    const delivery = deliveryOf(this.world.core, task);
    if (delivery !== null) now(this.world, () => receipt(this.world.core, delivery));
  }

  restarted() {
    return { ...this.world.core, incarnation: "another" };
  }
}

test("whatever cells, door and vault say in whatever order, every task is in one state and every total is right", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (commands) => {
      const world = await openWorld();
      try {
        const run = new Run(world);
        run.submit("refund");
        for (const command of commands) {
          run.apply(command);
          expect(storeFaults(world.store)).toEqual([]);
        }
      } finally {
        await world.close();
      }
    }),
    { numRuns: 100 },
  );
}, 240_000);

test("the checker finds what is broken", async () => {
  const world = await openWorld();
  const run = new Run(world);
  run.submit("refund");
  const [task = ""] = run.tasks;
  run.claim(task, false);
  const [cell] = run.cells;
  if (cell !== undefined) call(world, cell, 1, "refund:create", refund(100));
  const { store } = world;
  const { assignment, epoch } = cell?.lease ?? expect.fail("no lease");
  const damages: (() => void)[] = [
    () => store.ready.put(task, { assignment, due: 0 }),
    () => store.leases.remove(task),
    () => store.submissions.remove(task),
    () => store.assignments.put(assignment, { ...record(), epoch: epoch + 1 }),
    () => store.due.put(["refund-agent", 1, task], assignment),
    () => store.outbox.put(task, { delivery: "dlvr_0000000000000000", since: 0 }),
    () => store.open.remove([assignment, 1]),
    () => store.open.put([assignment, 2], task),
    () => store.ledger.put(["task", "", "x", "r", "a:b", "calls", ""], 1),
    () => store.caseTables.put([cell?.document.case ?? "", 9], "x"),
    () => store.idempotency.put(["shop", "twice"], { request: "", task, case: "" }),
    () => store.audit.put(0, { entry: "{}", leaf: "" }),
    () => store.audit.remove(1),
  ];
  const record = () => store.assignments.get(assignment) ?? expect.fail("no assignment");
  for (const damage of damages) {
    let found: string[] = [];
    const undone = new Error("undone");
    expect(() =>
      store.transaction(() => {
        damage();
        found = storeFaults(store);
        throw undone;
      }),
    ).toThrow(undone);
    expect(found.length, String(damage)).toBeGreaterThan(0);
  }
  expect(storeFaults(store)).toEqual([]);
  await world.close();
});
