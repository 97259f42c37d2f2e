import { beforeAll, describe, expect, test } from "vitest";
import { exits } from "../../../console/cli/exits.ts";
import { makeShop } from "../../../console/trial/shop.ts";
import { freePort, nodeApart } from "../apart.ts";

type Said = { argv: string[]; exit: number; out: string; err: string };

let said: Said[];
const name = makeShop().customers.find(({ id }) => id === "C0042")?.name ?? "";

beforeAll(async () => {
  const { exit, out, err } = await nodeApart("tests/console/cli/end-to-end-inside.ts", String(freePort()));
  if (exit !== 0) throw new Error(`${out}${err}`);
  said = JSON.parse(out) as Said[];
}, 240_000);

/** The n-th command whose words begin so. */
function command(words: string, nth = 0): Said {
  const found = said.filter(({ argv }) => argv.join(" ").startsWith(words))[nth];
  if (found === undefined) throw new Error(`No command '${words}' was run.`);
  return found;
}
const json = (words: string, nth = 0) => JSON.parse(command(words, nth).out);

describe("an administrator", () => {
  test("sees what waits for approval, and approves it", () => {
    expect(command("agent list").out).toContain("waits for 'silo agent approve hello'");
    for (const role of ["hello", "refund-agent", "refund-manager"])
      expect(command(`agent approve ${role}`)).toMatchObject({
        exit: exits.done,
        out: expect.stringContaining("online"),
      });
    expect(command("agent approve refund-agent").err).toContain("refund:create  amount: at most 500.00 USD a call");
  });

  test("sees the mode and every lowered guard in the status", () => {
    expect(command("status")).toMatchObject({ exit: exits.done, out: expect.stringMatching(/mode: trial[\s\S]*! /) });
  });

  test("takes a role offline, and its tasks go to people", () => {
    expect(command("agent offline").out).toContain("offline");
    expect(command("--as maria task list waiting").out).toContain("refund-manager");
  });
});

describe("keys", () => {
  test("are rotated without a restart: tasks go on, and what signed before still verifies", () => {
    const rotated = [json("keys rotate base").kid, json("keys rotate task").kid];
    const after = json("keys list", 1).signing as { kid: string; until: number | null }[];
    expect(after.filter(({ until }) => until === null).map(({ kid }) => kid)).toEqual(rotated);
    const before = json("keys list", 0).signing as { kid: string }[];
    expect(after.filter(({ until }) => until !== null).map(({ kid }) => kid)).toEqual(before.map(({ kid }) => kid));
    expect(command("submit hello --customer C0042 --key rotated").exit).toBe(exits.done);
  });

  test("of a role are revoked, and its next task gets others", () => {
    expect(json("keys revoke hello").keys).toHaveLength(1);
    expect(command("submit hello --customer C0042 --key revoked").exit).toBe(exits.done);
  });

  test("are an administrator's business alone", () => {
    expect(command("--as maria keys revoke")).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("NOT_PERMITTED"),
    });
  });
});

describe("a frontend", () => {
  test("gets the answer with the real name", () => {
    expect(command("submit hello --customer C0042 --wait")).toMatchObject({
      exit: exits.done,
      out: expect.stringContaining(name),
    });
  });

  test("sends one task however often it repeats itself", () => {
    const words = "submit hello --customer C0042 --key";
    expect(json(words, 1)).toEqual({ ...json(words, 0), duplicate: true });
  });

  test.each([
    ["submit hello --customer C9999", "CUSTOMER_UNKNOWN"],
    ["submit nothing", "KIND_"],
  ])("%s is refused: %s", (words, code) => {
    expect(command(words)).toMatchObject({ exit: exits.refused, err: expect.stringContaining(code) });
  });
});

describe("a manager", () => {
  test("takes, works and ends a task, in tokens", () => {
    expect(command("--as maria task take").exit).toBe(exits.done);
    expect(json("--as maria task call").text).toContain('"O1234"');
    expect(command("--as maria task finish")).toMatchObject({
      exit: exits.done,
      out: expect.stringContaining("Completed"),
    });
    expect(command("task show").out).toContain("Dear [NAME_1], later.");
    // The real name stands in what frontends were answered, and nowhere else.
    expect(said.filter(({ out }) => out.includes(name))).toEqual(said.filter(({ argv }) => argv.includes("--wait")));
  });

  test("may not do what an administrator may", () => {
    expect(command("--as maria agent offline")).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("NOT_PERMITTED"),
    });
  });

  test("is told when a tool does not exist", () => {
    expect(command("--as maria task call", 1)).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("TOOL_UNKNOWN"),
    });
  });
});

test("a task that does not exist is refused", () => {
  expect(command("task show", 1)).toMatchObject({ exit: exits.refused, err: expect.stringContaining("TASK_UNKNOWN") });
});

test("the audit log of a task names who took and who ended it", () => {
  const entries = json("audit show").entries as { entry: Record<string, unknown> }[];
  const did = entries.map(({ entry }) => `${entry["verb"]} ${entry["who"] ?? ""}`);
  expect(did).toEqual(expect.arrayContaining(["submit shop", "take maria", "finish maria"]));
});

test("a kernel that is down, and a SiloOS that is stopped, are not now: try again", () => {
  for (const nth of [1, 2])
    expect(command("status", nth)).toMatchObject({ exit: exits.later, err: expect.stringContaining("not running") });
});
