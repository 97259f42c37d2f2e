/** A bounded share of `npm run pool`, which does the same 10,000 times. */
import { beforeAll, expect, test } from "vitest";
import { freePort, nodeApart } from "../console/apart.ts";

const TASKS = 60;

type Found = {
  claims: number;
  cells: number;
  unended: number;
  taken: number;
  cold: number;
  left: string[];
  gate: { check: string; meanwhile: string; resumed: boolean; logged: string[][] };
};

let found: Found;
beforeAll(async () => {
  const ran = await nodeApart("tests/pool/pool-inside.ts", "--tasks", String(TASKS), "--port", String(freePort()));
  expect(ran.exit, ran.err).toBe(0);
  found = JSON.parse(ran.out.trimEnd().split("\n").at(-1) ?? "");
}, 300_000);

test("each task got a cell, and no cell two", () => {
  expect([found.claims, found.cells]).toEqual([TASKS + 1, TASKS + 1]);
});

test("some waited for their task, and what did not is counted", () => {
  expect(found.taken).toBeGreaterThan(0);
  expect(found.taken + found.cold).toBe(TASKS + 1);
});

test("no process, mount, control group, folder or socket of a cell is left, and the log has the end of each", () => {
  expect([found.left, found.unended]).toEqual([[], 0]);
});

test("a guard that is really taken away stops the node: the task waits until it is back and an administrator says so", () => {
  const code = "PROBE_SEES_ITS_SOCKET_ALONE";
  expect(found.gate).toEqual({
    ...{ check: "sees_its_socket_alone", meanwhile: "ready", resumed: true },
    logged: [
      ["cells_halt", code, null],
      ["cells_resume", code, "admin"],
    ],
  });
});
