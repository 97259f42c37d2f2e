/**
 * A vault that was taken over acts, has decided and reports in any order, and shows whatever any proxy ever proved: no total is ever below
 * what the proxies did.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { UNSETTLED_MS } from "../../../kernel/abi/bounds.ts";
import { idempotencyKey, type Permit } from "../../../kernel/abi/permit.ts";
import { type EffectEnd, proveEnd } from "../../../kernel/abi/proof.ts";
import { askNext, decided } from "../../../kernel/decide.ts";
import { storeFaults } from "../../../kernel/faults.ts";
import { handBack } from "../../../kernel/hand-back.ts";
import { outcome } from "../../../kernel/outcome.ts";
import { positionOf } from "../../../kernel/queue.ts";
import { decideUnknown, unknownOf } from "../../../kernel/unknown.ts";
import { type EffectRecord, recordDone, recordOpen, ruleAct, ruleDecide } from "../../../proxies/proxy/record.ts";
import { call, end, lease, now, openWorld, permitKey, refund, submitTask, type World } from "../../kernel/world.ts";
import { setLimits, totalsOf, usd } from "./ledger-world.ts";

const STEPS = 2;
const amountOf = (step: number) => 10 ** step;

const command = fc.record({
  do: fc.constantFrom("call", "act", "decide", "report", "lose", "leave", "settle", "person"),
  step: fc.integer({ min: 1, max: STEPS }),
  which: fc.nat(9),
  proof: fc.nat(5),
  refuses: fc.boolean(),
  end: fc.constantFrom("done", "refused", "unknown"),
});
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

class Run {
  readonly world: World;
  readonly task: string;
  readonly permits: Permit[] = [];
  /** The newest first; to show none is one way more. */
  readonly proofs: (string | null)[] = [null];
  readonly records = new Map<string, EffectRecord>();
  did = 0;

  constructor(world: World) {
    this.world = world;
    this.task = submitTask(world);
  }

  apply(one: Command): void {
    const { world, task } = this;
    const { state, record } = positionOf(world.store, task);
    const permit = this.permits[one.which % Math.max(1, this.permits.length)];
    if (one.do === "act" && permit !== undefined) this.act(permit, one.refuses);
    if (one.do === "decide" && permit !== undefined) this.decide(permit);
    if (one.do === "call") this.call(one.step);
    if (one.do === "person" && state === "waiting" && record.for === "human") this.person();
    if (one.do === "settle") this.settle(one);
    if (state !== "leased") return;
    if (one.do === "report") this.report(one, record);
    if (one.do === "lose") end(world, task, { how: "lost" });
    if (one.do === "leave") end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
  }

  call(step: number): void {
    const { world, task } = this;
    const position = positionOf(world.store, task);
    if (position.state === "ready") {
      world.clock.now = Math.max(world.clock.now, position.record.due);
      lease(world, task);
    }
    const held = world.store.leases.get(task);
    if (held === undefined) return;
    world.store.transaction(() => world.store.leases.put(task, { ...held, expires: world.clock.now + 1 }));
    const told = call(world, { lease: held } as never, step, "refund:create", refund(amountOf(step)));
    if (told.end === "done" && told.value.permit !== null) this.permits.unshift(told.value.permit);
  }

  act(permit: Permit, refuses: boolean): void {
    if (permit.expires <= this.world.clock.now) return;
    const attempt = { ...permit, void_until: permit.void_until ?? 0 };
    const ruling = ruleAct(this.records.get(idempotencyKey(permit)), attempt);
    if (ruling.rule === "answer") {
      this.keep(permit, ruling.record);
      if (ruling.end.end === "done") this.prove(permit, "happened");
      return;
    }
    this.keep(permit, refuses ? recordOpen(permit) : recordDone(permit, null));
    if (refuses) return;
    this.did += amountOf(permit.step);
    this.prove(permit, "happened");
  }

  decide(permit: Permit): void {
    if (permit.expires <= this.world.clock.now) return;
    const attempt = { ...permit, void_until: permit.void_until ?? 0 };
    const { end, record } = ruleDecide(this.records.get(idempotencyKey(permit)), attempt);
    this.keep(permit, record);
    if (end.end === "done") this.prove(permit, end.value.decided);
  }

  keep(permit: Permit, record: EffectRecord | undefined): void {
    if (record !== undefined) this.records.set(idempotencyKey(permit), record);
  }

  prove(permit: Permit, end: EffectEnd): void {
    this.proofs.unshift(proveEnd(permit, end, permitKey("database")));
  }

  shown(at: number): string | null {
    return this.proofs[at % this.proofs.length] ?? null;
  }

  report({ step, end, proof }: Command, { assignment, epoch }: { assignment: string; epoch: number }): void {
    const said = { end, code: end === "refused" ? "CONFLICT" : null, value: end === "done" ? "dg" : null };
    const rest = { message: null, table: null, tokens: [], fields: [], proof: this.shown(proof) };
    const body = { task: this.task, assignment, epoch, step, ...said, ...rest };
    now(this.world, () => outcome(this.world.core, body));
  }

  settle({ end, proof, refuses }: Command): void {
    const { core } = this.world;
    const question = now(this.world, () => askNext(core, this.task));
    if (question === null) return;
    this.permits.unshift(question.body.permit);
    if (refuses) this.act(question.body.permit, false);
    else this.decide(question.body.permit);
    const said = { decided: end === "done" ? ("happened" as const) : ("void" as const), value: null, table: null };
    now(this.world, () =>
      decided(core, this.task, question, end === "unknown" ? end : { ...said, proof: this.shown(proof) }),
    );
  }

  /** Looks outside when no permit is left that could still bring about anything, says how it is, and hands back. */
  person(): void {
    const { core, store, clock } = this.world;
    clock.now += UNSETTLED_MS;
    now(this.world, () => {
      const waiting = store.waiting.get(this.task);
      if (waiting?.for === "human") store.waiting.put(this.task, { ...waiting, person: "maria" });
      for (const { step, assignment } of unknownOf(store, this.task)) {
        const done = this.records.get(`${this.task}/${assignment}/${step}`)?.state === "done";
        const decision = done ? ("happened" as const) : ("did-not" as const);
        decideUnknown(core, "maria", { task: this.task, assignment, step, decision });
      }
      handBack(core, this.task, "maria");
    });
  }

  check(): void {
    const counted = Object.entries(totalsOf(this.world)).filter(([name]) => name.startsWith("role_day"));
    expect(counted.reduce((sum, [, total]) => sum + total, 0)).toBeGreaterThanOrEqual(this.did);
  }
}

/** Decisions inside a transaction that is there already: the disk is not what is tried here. */
function undivided({ core, store, ...rest }: World): World {
  const one = { ...store, transaction: <T>(decide: () => T) => decide() };
  return { ...rest, core: { ...core, store: one }, store: one };
}

test("whatever is acted, decided, reported and shown, no total is below what the proxies did", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 40 }), async (commands) => {
      const opened = await openWorld();
      const world = undivided(opened);
      try {
        setLimits(world, [usd("call", 1_000_000)]);
        now(opened, () => {
          const run = new Run(world);
          for (const one of [{ do: "call", step: 1 } as Command, ...commands]) {
            run.apply(one);
            run.check();
          }
        });
        expect(storeFaults(world.store)).toEqual([]);
      } finally {
        await opened.close();
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
