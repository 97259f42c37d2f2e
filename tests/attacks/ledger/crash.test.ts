/** A kill -9 between the reservation and the outcome: nobody knows whether the refund happened, and nobody else may have its money. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { askNext, decided } from "../../../kernel/decide.ts";
import { storeFaults } from "../../../kernel/faults.ts";
import { recover } from "../../../kernel/recovery.ts";
import { codeOf, end, LIFE, lease, now, openWorld, report, settled, type World } from "../../kernel/world.ts";
import { attemptOf, refunding, setLimits, totalsOf, usd } from "./ledger-world.ts";

let world: World;
let task: string;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), "silo-ledger-"));
  const child = spawn(process.execPath, ["tests/attacks/ledger/permitted-inside.ts", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const gone = once(child, "close");
  child.kill("SIGKILL");
  await gone;
  const [verdict, of = ""] = said.toString().trim().split(" ");
  expect(verdict).toBe("done");
  task = of;
  world = await openWorld(folder);
  setLimits(world, [usd("customer_day", 1_000)]);
  now(world, () => recover(world.core, LIFE));
  world.clock.now += 60_000;
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const reserved = () => [...new Set(Object.values(totalsOf(world)))];
/** What another task of the same customer is told when it asks for all that would be left without the reservation. */
const others = () => codeOf(now(world, refunding(world, attemptOf(world), 1, 1_000)));

test("the reservation is there after the crash, and keeps others from its money", () => {
  expect(reserved()).toEqual([600]);
  expect(world.store.open.count()).toBe(1);
  expect(others()).toBe("LIMIT_CUSTOMER_DAY");
  expect(codeOf(now(world, refunding(world, attemptOf(world), 1, 400)))).toBe("done");
});

test("the next attempt acts under the same reservation, not under another one", () => {
  const again = lease(world, task);
  for (const _ of [1, 2]) expect(codeOf(now(world, refunding(world, again, 1, 600)))).toBe("done");
  expect(reserved()).toEqual([600]);
});

test("the next attempt cannot make another call of it", () => {
  expect(codeOf(now(world, refunding(world, lease(world, task), 1, 1)))).toBe("REPLAY_DIVERGED");
  expect(reserved()).toEqual([600]);
});

test.each([
  ["it happened", { end: "done" as const }, [600], "LIMIT_CUSTOMER_DAY"],
  ["it certainly did not", { end: "refused" as const, value: null, code: "CONFLICT" }, [0], "done"],
  ["nobody can tell", { end: "unknown" as const, value: null }, [600], "LIMIT_CUSTOMER_DAY"],
])("when the next attempt learns that %s, the money is kept or given back", (_, outcome, left, verdict) => {
  const again = lease(world, task);
  now(world, refunding(world, again, 1, 600));
  report(world, again, 1, outcome);
  expect(reserved()).toEqual(left);
  report(world, again, 1, { end: "refused", value: null, code: "CONFLICT" });
  expect(reserved()).toEqual(left);
  expect(others()).toBe(verdict);
});

test.each([
  ["happened", [600], "LIMIT_CUSTOMER_DAY"],
  ["void", [0], "done"],
  ["unknown", [600], "LIMIT_CUSTOMER_DAY"],
] as const)(
  "when the task is left and its proxy decides %s, the money is kept or given back",
  (answer, left, verdict) => {
    lease(world, task);
    end(world, task);
    expect(reserved()).toEqual([600]);
    const question = now(world, () => askNext(world.core, task)) ?? expect.fail("nothing is asked");
    const given = answer === "unknown" ? answer : settled(world, task, question.step, answer);
    for (const _ of [1, 2]) now(world, () => decided(world.core, task, question, given));
    expect(reserved()).toEqual(left);
    expect(others()).toBe(verdict);
  },
);

test("what did not happen yesterday is given back to yesterday", () => {
  world.clock.now += 24 * 60 * 60 * 1000;
  const again = lease(world, task);
  now(world, refunding(world, again, 1, 600));
  expect(codeOf(now(world, refunding(world, attemptOf(world), 1, 1_000)))).toBe("done");
  report(world, again, 1, { end: "refused", value: null, code: "CONFLICT" });
  expect(codeOf(now(world, refunding(world, attemptOf(world), 1, 1)))).toBe("LIMIT_CUSTOMER_DAY");
});
