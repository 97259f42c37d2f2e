/** The clock set back, and set far ahead and back: no day's limit is had twice, no lease outlives its time, the log never runs backwards unsaid. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LEASE_MS } from "../../../kernel/abi/bounds.ts";
import { lastTime } from "../../../kernel/audit/log.ts";
import { BACK_MS_MAX, steadyClock, trustedTime } from "../../../kernel/clock.ts";
import { storeFaults } from "../../../kernel/faults.ts";
import { nextWake, pick } from "../../../kernel/pick.ts";
import { ConfigError } from "../../../kernel/process/config.ts";
import { positionOf } from "../../../kernel/queue.ts";
import { expireOverdue, goOnFromNow, recover } from "../../../kernel/recovery.ts";
import { openShadow } from "../../../kernel/shadows.ts";
import { codeOf, end, LIFE, lease, logged, now, openWorld, submitTask, type World } from "../../kernel/world.ts";
import { attemptOf, refunding, setLimits, totalsOf, usd } from "./ledger-world.ts";

const MIDNIGHT = Date.UTC(2026, 10, 23);
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const LIMIT = 1_000;

let folder: string;
let world: World;
/** What the machine's clock says. */
let clock: number;

/** The kernel's own clock over that one, as main.ts makes it. */
function open(wrong: string | null = null): void {
  const last = trustedTime(lastTime(world.store), wrong);
  world.core.now = steadyClock(() => clock, last ?? 0);
  setLimits(world, [usd("customer_day", LIMIT)]);
  now(world, () => {
    if (last === null) goOnFromNow(world.core);
    recover(world.core, LIFE);
  });
}

async function restart(): Promise<void> {
  await world.store.close();
  world = await openWorld(folder);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "silo-clock-"));
  world = await openWorld(folder);
  clock = MIDNIGHT + 30_000;
  open();
});
afterEach(async () => {
  expect(storeFaults(world.store)).toEqual([]);
  await world.close();
});

const spend = (amount: number) => codeOf(now(world, refunding(world, attemptOf(world), 1, amount)));
const state = () => ({ audit: world.store.audit.count(), totals: totalsOf(world) });
const iso = (time: number) => new Date(time).toISOString();

test("a correction back over midnight stays on the new day: its limit is spent, and the old day's is out of reach", () => {
  expect(spend(LIMIT)).toBe("done");
  clock -= BACK_MS_MAX;
  expect(world.core.day(clock)).toBe("2026-11-22");
  expect(spend(1)).toBe("LIMIT_CUSTOMER_DAY");
  expect(lastTime(world.store)).toBe(MIDNIGHT + 30_000);
});

test("a correction back within a lease neither ends it nor makes it longer than its time once the clock has caught up", () => {
  const attempt = attemptOf(world);
  const began = clock;
  clock = began - BACK_MS_MAX;
  expect(codeOf(now(world, refunding(world, attempt, 1, 1)))).toBe("done");
  expect(now(world, () => expireOverdue(world.core))).toEqual([]);
  clock = began + LEASE_MS - 1;
  expect(codeOf(now(world, refunding(world, attempt, 2, 1)))).toBe("done");
  clock = began + LEASE_MS;
  expect(codeOf(now(world, refunding(world, attempt, 3, 1)))).toBe("EPOCH_STALE");
});

test("set back further, the running kernel decides nothing more, says why, and what it had decided is there when the time is right again", async () => {
  const attempt = attemptOf(world);
  expect(codeOf(now(world, refunding(world, attempt, 1, 600)))).toBe("done");
  const before = state();
  const right = clock;
  clock = right - BACK_MS_MAX - 1;
  const asked = [1, 2].map((step) => world.core.commit(refunding(world, attempt, step + 1, 1)));
  for (const end of await Promise.allSettled(asked)) expect(end).toMatchObject({ reason: expect.any(ConfigError) });
  expect(state()).toEqual(before);
  clock = right + 1_000;
  await expect(world.core.commit(refunding(world, attempt, 4, 1))).rejects.toThrow("Set the clock right");
  await restart();
  open();
  expect(totalsOf(world)).toEqual(before.totals);
  clock += 60_000;
  expect(codeOf(now(world, refunding(world, lease(world, attempt.document.task), 1, 600)))).toBe("done");
  expect(spend(LIMIT - 600 + 1)).toBe("LIMIT_CUSTOMER_DAY");
});

test("before the newest audit entry nothing starts; the reason names both times, and the store is as it was", async () => {
  const last = lastTime(world.store);
  const before = state();
  await restart();
  clock = last - BACK_MS_MAX - 1;
  expect(() => open()).toThrow(
    expect.objectContaining({ message: expect.stringMatching(`${iso(clock)}.*${iso(last)}.*Set the clock right`) }),
  );
  expect(state()).toEqual(before);
  clock = last - BACK_MS_MAX;
  open();
  expect(lastTime(world.store)).toBe(last);
});

test("a year ahead and back: nothing starts until an administrator says which time was wrong; then everything goes on, in the log", async () => {
  expect(spend(600)).toBe("done");
  const ready = submitTask(world);
  const right = clock;
  clock += YEAR_MS;
  now(world, () => expireOverdue(world.core));
  lease(world, ready);
  end(world, ready, { how: "exit" });
  const wrong = lastTime(world.store);
  expect(wrong).toBe(right + YEAR_MS);
  await restart();
  clock = right + 120_000;
  expect(() => open()).toThrow(`wrong_time: ${iso(wrong)}`);
  for (const other of [iso(wrong - 1), iso(wrong + 1), iso(right)]) expect(() => open(other)).toThrow(ConfigError);
  open(iso(wrong));
  expect(logged(world).slice(-2)).toEqual(["clock_back", "start"]);
  expect(lastTime(world.store)).toBe(clock);
  expect(positionOf(world.store, ready)).toMatchObject({ state: "ready", record: { due: clock } });
  expect(spend(401)).toBe("LIMIT_CUSTOMER_DAY");
  expect(codeOf(now(world, refunding(world, lease(world, ready), 1, 1)))).toBe("done");
});

test("a run in shadow that was due from the wrong time on is due at once", async () => {
  const attempt = attemptOf(world);
  clock += YEAR_MS;
  const { task } = attempt.document;
  const { assignment } = attempt.lease;
  now(world, () => openShadow(world.store, task, assignment, "refund-agent", world.core.now()));
  expect(spend(1)).toBe("done");
  const wrong = iso(lastTime(world.store));
  clock -= YEAR_MS;
  await restart();
  open(wrong);
  expect(pick(world.core, "shadowsDue", new Set(), world.core.now())?.task).toBe(task);
  expect(nextWake(world.core, world.core.now())).toBeLessThan(clock + YEAR_MS / 2);
});

test("the time that was declared wrong is so once: the next step back stops everything again", async () => {
  clock += YEAR_MS;
  expect(spend(1)).toBe("done");
  const wrong = iso(lastTime(world.store));
  clock -= YEAR_MS;
  await restart();
  open(wrong);
  await restart();
  clock -= BACK_MS_MAX + 1;
  expect(() => open(wrong)).toThrow("Set the clock right");
});
