/** Shadow and try on a running appliance: real cells, a real vault, a real database and mail server, that feel nothing of either. */
import { beforeAll, expect, test } from "vitest";
import { exits } from "../../../console/cli/exits.ts";
import { freePort, nodeApart } from "../apart.ts";

type Said = { exit: number; out: string; err: string };
type Counts = { refunds: number; mails: number };
let went: Record<"beside" | "hidden" | "both" | "tried" | "again" | "agents" | "log", string> & {
  nobody: Said;
  asMaria: Said;
  nothing: Counts;
  after: Counts;
  leaked: boolean;
};

beforeAll(async () => {
  const { exit, out, err } = await nodeApart("tests/console/cli/modes-inside.ts", String(freePort()));
  if (exit !== 0) throw new Error(`${out}${err}`);
  went = JSON.parse(out) as typeof went;
}, 300_000);

test("people have the task, and the agent did it beside in shadow: its reads were real, its effects were not", () => {
  expect(went.beside).toMatch(/state +waiting/);
  expect(went.beside).toContain("in shadow: refund-agent, of which nothing was done");
  expect(went.beside).toMatch(/customer:read {2}done[\s\S]*refund:create {2}recorded[\s\S]*email:send {2}recorded/);
  expect(went.beside).toContain("text: Dear [NAME_1]");
  expect(went.nothing).toEqual({ refunds: 0, mails: 0 });
});

test("who is compared does not see it; an administrator sees both", () => {
  expect(went.hidden).not.toContain("in shadow");
  expect(went.both).toMatch(
    /role refund-manager {2}step \d+ {2}capability refund:create[\s\S]*in shadow: refund-agent/,
  );
});

test("a folder that waits for approval is tried with the grant in force, and nothing of it is done", () => {
  expect(went.tried).toMatch(
    /refund-agent, the folder that waits for approval \(\w{12}\), made 4 calls\. Nothing was done/,
  );
  expect(went.tried).toContain('"amount":100');
  expect(went.tried).toMatch(/refund:create {2}refused \(LIMIT_CALL: /);
  expect(went.tried).toContain('"subject":"LIMIT_CALL"');
  expect(went.tried).toContain("text: tried for [NAME_1] in try");
  expect(JSON.parse(went.again)).toMatchObject({
    approved: false,
    compared: false,
    calls: [{ outcome: "done" }, {}, {}, {}],
  });
  expect(went.agents).toMatch(/refund-agent +pending/);
  expect(went.after).toEqual({ refunds: 1, mails: 0 });
});

test("without an approved grant, or as somebody else, nothing is tried, and it is said what to do", () => {
  expect([went.nobody.exit, went.asMaria.exit]).toEqual([exits.refused, exits.refused]);
  expect(went.nobody).toMatchObject({ err: expect.stringContaining("silo agent approve hello") });
  expect(went.asMaria.err).toContain("administrator");
});

test("the log has it all with its mode, and nothing that was shown or logged holds a value", () => {
  const entries = (JSON.parse(went.log).entries as { entry: Record<string, unknown> }[]).map(({ entry }) => entry);
  const verbs = (mode: string) => entries.filter((entry) => entry["mode"] === mode).map(({ verb }) => verb);
  expect(verbs("shadow")).toEqual(expect.arrayContaining(["shadow", "intend", "outcome"]));
  expect(verbs("try").filter((verb) => verb === "try")).toHaveLength(4);
  expect(entries.filter(({ verb, mode }) => verb === "settle" && mode !== undefined)).toEqual([]);
  expect(went.leaked).toBe(false);
});
