/** The record of one idempotency key against a model: what happened, and which epoch was seen last. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { done, refused } from "../../../kernel/abi/ends.ts";
import {
  type EffectRecord,
  recordDone,
  recordOpen,
  recordStarted,
  ruleAct,
  ruleDecide,
} from "../../../proxies/proxy/record.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const at = (epoch: number, digest = A, void_until = 0) => ({ epoch, arguments: digest, void_until });
const record = (state: EffectRecord["state"], epoch = 2): EffectRecord => ({
  epoch,
  arguments: A,
  state,
  result: state === "done" ? { n: 1 } : null,
});

describe("act", () => {
  test("performs under a key nobody has used", () => {
    expect(ruleAct(undefined, at(1))).toEqual({ rule: "perform" });
  });
  test("performs again where an attempt ended and nothing happened", () => {
    expect(ruleAct(record("open"), at(2))).toEqual({ rule: "perform" });
  });
  test.each(["open", "void", "started", "done"] as const)("is refused under an older epoch: %s", (state) => {
    expect(ruleAct(record(state), at(1))).toEqual({
      rule: "answer",
      end: refused("PERMIT_EXPIRED"),
      record: undefined,
    });
  });
  test.each(["open", "void", "started", "done"] as const)("is refused with other arguments: %s", (state) => {
    expect(ruleAct(record(state), at(3, B))).toMatchObject({ end: { code: "PERMIT_INVALID" } });
  });
  test("answers what happened, and remembers the newer epoch", () => {
    expect(ruleAct(record("done"), at(2))).toEqual({ rule: "answer", end: done({ n: 1 }), record: undefined });
    expect(ruleAct(record("done"), at(3))).toEqual({ rule: "answer", end: done({ n: 1 }), record: record("done", 3) });
  });
  test("is refused in the epoch that was decided void, and performs in the next", () => {
    expect(ruleAct(record("void"), at(2))).toMatchObject({ end: { code: "CONFLICT" } });
    expect(ruleAct(record("void"), at(3))).toEqual({ rule: "perform" });
  });
  test("never repeats what may have happened", () => {
    expect(ruleAct(record("started"), at(2))).toMatchObject({ end: { code: "UNKNOWN_OUTCOME" } });
    expect(ruleAct(record("started"), at(9))).toMatchObject({ end: { code: "UNKNOWN_OUTCOME" }, record: { epoch: 9 } });
  });
});

describe("decide", () => {
  test.each([undefined, record("open"), record("void")])("makes void what did not happen: %j", (before) => {
    expect(ruleDecide(before, at(2))).toEqual({
      rule: "answer",
      end: done({ decided: "void", result: null }),
      record: record("void", 2),
    });
  });
  test("says what happened", () => {
    expect(ruleDecide(record("done"), at(2)).end).toEqual(done({ decided: "happened", result: { n: 1 } }));
  });
  test("does not say what nobody knows", () => {
    expect(ruleDecide(record("started"), at(2)).end).toEqual(refused("UNKNOWN_OUTCOME"));
  });
  test("is refused under an older epoch and with other arguments", () => {
    expect(ruleDecide(record("done"), at(1)).end).toEqual(refused("PERMIT_EXPIRED"));
    expect(ruleDecide(record("done"), at(2, B)).end).toEqual(refused("PERMIT_INVALID"));
  });
});

describe("after a person has decided that what was started did not happen", () => {
  test("performs once more, and never under an epoch that is gone or with other arguments", () => {
    expect(ruleAct(record("started"), at(3, A, 2))).toEqual({ rule: "perform" });
    expect(ruleAct(record("started"), at(1, A, 2))).toMatchObject({ end: { code: "PERMIT_EXPIRED" } });
    expect(ruleAct(record("started"), at(3, B, 2))).toMatchObject({ end: { code: "PERMIT_INVALID" } });
  });
  test("what was started since is unknown again", () => {
    expect(ruleAct(record("started", 3), at(3, A, 2))).toMatchObject({ end: { code: "UNKNOWN_OUTCOME" } });
    expect(ruleAct(record("started", 3), at(4, A, 2))).toMatchObject({ end: { code: "UNKNOWN_OUTCOME" } });
    expect(ruleDecide(record("started", 3), at(4, A, 2))).toMatchObject({ end: { code: "UNKNOWN_OUTCOME" } });
  });
  test("decides void what nobody made again", () => {
    expect(ruleDecide(record("started"), at(3, A, 2))).toMatchObject({ record: record("void", 3) });
  });
  test("what is known to have happened is not repeated", () => {
    expect(ruleAct(record("done"), at(3, A, 2))).toMatchObject({ end: done({ n: 1 }) });
  });
});

/** Anything may be asked in any epoch and any attempt may end in any way, but for the crash of a started one. */
const request = fc.record({
  ask: fc.constantFrom("act", "decide"),
  epoch: fc.integer({ min: 1, max: 5 }),
  performs: fc.constantFrom("done", "refused", "crash"),
});

test("whatever is asked in whatever order, an effect happens once at most, and not after its void or under an old epoch", () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      let stored: EffectRecord | undefined;
      let effects = 0;
      let seen = 0;
      let voided = 0;
      for (const { ask, epoch, performs } of requests) {
        const attempt = at(epoch);
        const ruling = ask === "act" ? ruleAct(stored, attempt) : ruleDecide(stored, attempt);
        if (ruling.rule === "answer") {
          stored = ruling.record ?? stored;
          if (ask === "decide" && ruling.end.end === "done") {
            if ((ruling.end.value as { decided: string }).decided === "void") {
              expect(effects).toBe(0);
              voided = epoch;
            } else expect(effects).toBe(1);
          }
        } else {
          expect(epoch).toBeGreaterThanOrEqual(seen);
          expect(epoch).toBeGreaterThan(voided);
          stored = recordStarted(attempt);
          if (performs !== "refused") effects++;
          if (performs === "done") stored = recordDone(attempt, null);
          if (performs === "refused") stored = recordOpen(attempt);
        }
        seen = Math.max(seen, stored?.epoch ?? 0);
      }
      expect(effects).toBeLessThanOrEqual(1);
    }),
    { numRuns: 2000 },
  );
});
