/** A mail of which nobody can tell whether it left, from the real proxy to a person's decision and the agent's next attempt. */
import { beforeAll, expect, test } from "vitest";
import { freePort, nodeApart } from "../apart.ts";

type Went = { compared: string; waiting: string; ended: string; log: string; refunds: number; mails: number };

let went: { happened: Went; didNot: Went };

beforeAll(async () => {
  const { exit, out, err } = await nodeApart("tests/console/cli/unknown-inside.ts", String(freePort()));
  if (exit !== 0) throw new Error(`${out}${err}`);
  went = JSON.parse(out) as typeof went;
}, 240_000);

test("it is in front of a person, with what to type", () => {
  expect(went.happened.waiting).toContain("UNKNOWN_OUTCOME");
  expect(went.happened.waiting).toMatch(/silo task decide task_\w+ \d+ happened\|did-not/);
});

test("decided as happened, the agent completes and nothing is done again", () => {
  expect(went.happened).toMatchObject({ refunds: 1, mails: 1 });
  expect(went.happened.ended).toContain("Dear [NAME_1]");
});

test("decided as not happened, the mail is sent once more and the refund is not made again", () => {
  expect(went.didNot).toMatchObject({ refunds: 1, mails: 2 });
});

test("run once more on the record, the agent is seen to do the same, and nothing happens", () => {
  expect(went.happened.compared).toMatch(/^The same: refund-agent made \d+ calls as recorded/);
  expect(went.didNot.compared).toMatch(/^The same: refund-agent made \d+ calls as recorded/);
});

test("the log says who decided and who handed it back", () => {
  const entries = (JSON.parse(went.didNot.log).entries as { entry: Record<string, unknown> }[]).map(
    ({ entry }) => entry,
  );
  const did = entries.filter(({ who }) => who === "maria").map(({ verb, outcome }) => [verb, outcome]);
  expect(did).toEqual([
    ["take", undefined],
    ["decide", "void"],
    ["return", undefined],
  ]);
});
