import { beforeAll, describe, expect, test } from "vitest";
import type { Summary } from "../../../console/trial/story/ending.ts";
import { openTeller } from "../../../console/trial/story/teller.ts";
import { entriesOf, entryWords, hasToken, refusedCodes, usd } from "../../../console/trial/story/words.ts";
import { freePort, nodeApart, type Ran } from "../apart.ts";

describe("the trial, played once", () => {
  let ran: Ran;
  let summary: Summary;

  beforeAll(async () => {
    ran = await nodeApart("console/trial/main.ts", "--once", "--json", "--port", String(freePort()));
    summary = JSON.parse(ran.out.trimEnd().split("\n").at(-1) ?? "") as Summary;
  }, 240_000);

  test("ends with 0, and everything it promises happened", () => {
    const broken = ran.out.match(/DID NOT HAPPEN.*/g);
    const crashed = ran.err.match(/.* is started again .*/g);
    expect({ exit: ran.exit, broken, crashed }).toEqual({ exit: 0, broken: null, crashed: null });
  });

  test("names what is lowered before anything else", () => expect(ran.out).toMatch(/^mode: trial\..*\n {2}! /));

  test("refunds ten times, and sends as many mails", () => {
    expect({ refunds: summary.refunds, emails: summary.emails }).toEqual({ refunds: 10, emails: 10 });
  });

  test("ends every task but those that wait for a manager", () => {
    const ends = summary.tasks.map(({ kind, end }) => `${kind} ${end}`);
    expect(ends.filter((end) => end === "limit waiting")).toHaveLength(2);
    expect(ends.filter((end) => end === "hostile Failed")).toHaveLength(1);
    expect(ends.filter((end) => end.endsWith("Completed"))).toHaveLength(ends.length - 3);
    expect(summary.tasks.every(({ id }) => /^task_[0-9a-z]{16}$/.test(id))).toBe(true);
  });

  test("logs each refusal under its code", () => {
    expect(summary.refused).toMatchObject({
      LIMIT_CALL: 1,
      LIMIT_CUSTOMER_DAY: 2,
      ARGUMENT_INVALID: 4,
      CAPABILITY_NOT_GRANTED: 2,
      KEY_INVALID: 2,
      KEY_EXPIRED: 1,
      KEY_MISMATCH: 1,
      REPLAY_DIVERGED: 1,
    });
    expect(summary.audit_entries).toBeGreaterThan(100);
  });

  test("gives each task a cell of its own, and some one that waited", () => {
    expect(summary.cells.waited).toBeGreaterThan(0);
    expect(summary.cells.waited + summary.cells.started).toBeGreaterThanOrEqual(summary.tasks.length);
  });

  test("leaks nothing", () => expect(summary.leaks).toBe(0));
});

describe("the teller", () => {
  test("counts what did not happen, and tells it", () => {
    const told: string[] = [];
    const teller = openTeller(
      (text) => told.push(text),
      () => 0,
    );
    teller.chapter("One");
    teller.fact(true, "this");
    teller.fact(false, "that");
    expect({ facts: teller.facts, broken: teller.broken }).toEqual({ facts: 2, broken: ["that"] });
    expect(told.join("")).toContain("DID NOT HAPPEN: that");
  });

  test("lets nothing an agent wrote steer the terminal", () => {
    const told: string[] = [];
    openTeller((text) => told.push(text)).say("\u001b[2J");
    expect(told.join("")).not.toContain("\u001b");
  });
});

describe("words", () => {
  const line = (index: number, entry: Record<string, unknown>) => ({ index, leaf: "", entry: { time: 0, ...entry } });

  test("of an entry are what happened, without ids", () => {
    const entry = {
      verb: "intend",
      capability: "refund:create",
      step: 3,
      decision: "refused",
      code: "LIMIT_CALL",
      task: "task_x",
    };
    expect(entryWords(line(7, entry))).toBe("#7 00:00:00.000 intend refund:create step 3: refused, LIMIT_CALL");
  });

  test("count refusals by code, whoever decided them, and nothing else", () => {
    const entries = [
      line(0, { verb: "intend", decision: "refused", code: "LIMIT_CALL" }),
      line(1, { verb: "finding", code: "KEY_INVALID" }),
      line(2, { verb: "outcome", outcome: "refused", code: "NOT_FOUND" }),
      line(3, { verb: "finding", code: "KEY_INVALID" }),
      line(4, { verb: "intend", decision: "allowed" }),
    ];
    expect(refusedCodes(entries)).toEqual({ LIMIT_CALL: 1, KEY_INVALID: 2, NOT_FOUND: 1 });
  });

  test("give each of two equal refusals an entry of its own, and a third none", () => {
    const entries = [line(0, { code: "A" }), line(1, { code: "B" }), line(2, { code: "A" })];
    expect(entriesOf(["A", "A", "A", "B"], entries).map((entry) => entry?.index)).toEqual([0, 2, undefined, 1]);
  });

  test("know a token from a text", () => {
    expect(["Dear [NAME_1]", "tok_0abc12de", "Dear [you]", "[1]"].map(hasToken)).toEqual([true, true, false, false]);
  });

  test("show minor units as money", () => expect(usd(24_705)).toBe("247.05 USD"));
});
