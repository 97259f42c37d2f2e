import { afterEach, beforeEach, expect, test } from "vitest";
import { openAttempts } from "../../kernel/attempts.ts";
import type { Over } from "../../kernel/cell.ts";
import { clickEnd } from "../../kernel/clicks.ts";
import type { Click } from "../../kernel/records.ts";
import {
  call,
  codeOf,
  end,
  lease,
  now,
  openWorld,
  refund,
  report,
  submitTask,
  type World,
  waitingCell,
} from "./world.ts";

const click: Click = { person: "maria", tool: "create_refund", arguments: {} };
const early: Over[] = [{ how: "lost" }, { how: "timeout" }, { how: "settled", ending: null }];

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

/** A click whose cell has its lease and has made no call. */
function clicked() {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "too much", recommendation: "refund", facts: {} });
  now(world, () => {
    const waiting = world.store.waiting.get(task);
    if (waiting?.for === "human") world.store.waiting.put(task, { ...waiting, person: click.person });
  });
  return lease(world, task, click);
}

function told(claimed: ReturnType<typeof clicked>, over: Over) {
  const attempt = openAttempts().open(waitingCell(), { task: claimed.document.task, click, comparison: null });
  attempt.lease = claimed.lease;
  return clickEnd(world.core, attempt, over);
}

test.each(early)("a cell that ended early ($how) after an effect is never said to have done nothing", (over) => {
  const claimed = clicked();
  expect(call(world, claimed, 1, "refund:create", refund(70_000))).toMatchObject({ end: "done" });
  expect(codeOf(told(claimed, over))).toBe("UNKNOWN_OUTCOME");
  report(world, claimed, 1);
  expect(codeOf(told(claimed, over))).toBe("UNKNOWN_OUTCOME");
});

test("a cell that was lost before any effect can be clicked again", () => {
  const claimed = clicked();
  call(world, claimed, 1, "customer:read");
  expect(codeOf(call(world, claimed, 2, "refund:create", refund(600_000)))).toBe("LIMIT_CALL");
  expect(told(claimed, { how: "lost" })).toMatchObject({ end: "later" });
});

test("effects of an earlier click are not this one's", () => {
  const first = clicked();
  call(world, first, 1, "refund:create", refund(70_000));
  report(world, first, 1);
  end(world, first.document.task, { how: "lost" });
  const second = lease(world, first.document.task, click);
  expect(told(second, { how: "lost" })).toMatchObject({ end: "later" });
});
