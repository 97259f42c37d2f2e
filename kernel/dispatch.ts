/**
 * The life of a task, in its order. No other file knows it.
 *
 *   cell that waits, or is started now -> claim (lease, epoch, keys: one transaction) -> vault bind -> door bind -> run -> settle -> cell destroyed
 *
 * A cell is given one task and serves no other. Whatever is lost on the way (a process, a connection, a cell) leaves the task ready or
 * its open effects to be decided; nothing here has to be remembered after a crash.
 */

import type { consoleToKernel } from "./abi/console-messages.ts";
import { done, type End, later, refused } from "./abi/ends.ts";
import type { doorToKernel, RequestOf, ValueOf } from "./abi/messages.ts";
import { type Attempt, openAttempts } from "./attempts.ts";
import type { Background } from "./background.ts";
import { type Cell, useOnce } from "./cell.ts";
import { openCells, type Peers } from "./cells.ts";
import { type Claimed, claim, renew } from "./claim.ts";
import { type Clicked, clickEnd, clickRole } from "./clicks.ts";
import { type Comparison, claimComparison } from "./comparison.ts";
import { compareCallOf, endComparison, endingOf, isCompared } from "./comparisons.ts";
import type { Core } from "./core.ts";
import { type Excess, openExcess } from "./excess.ts";
import { openHalt } from "./halt.ts";
import { heldBy, type Intend, type Intended, intend } from "./intend.ts";
import { type Job, openJobs } from "./jobs.ts";
import type { Mint } from "./mint.ts";
import { handOver } from "./offline.ts";
import { nextWake } from "./pick.ts";
import { openPool } from "./pool.ts";
import type { Log } from "./process/log.ts";
import { positionOf } from "./queue.ts";
import type { Click, Ending } from "./records.ts";
import { expireOverdue } from "./recovery.ts";
import { failStart, postpone, settle } from "./settle.ts";

type Status = ValueOf<typeof consoleToKernel, "status">;

export type Dispatch = Pick<Excess, "countFinding" | "countIntent"> & {
  /** Something may have become due: starts what can be started. */
  wake(): void;
  /** `door -> kernel: end`: the cell's last word. */
  end(body: RequestOf<typeof doorToKernel, "end">): Promise<End<Record<string, never>>>;
  /** `door -> kernel: intend`: decides a call, as its cell's mode is. */
  intend(call: Intend): Promise<End<Intended>>;
  /** The run in shadow or try that makes its calls under this assignment. */
  comparisonOf(assignment: string): Comparison | null;
  /** A run that is not live, and what it came to; settles when its cell is over. */
  compare<T>(comparison: Comparison, conclude: (ending: Ending | null) => End<T>): Promise<End<T>>;
  /** One function of tools.py, in a cell of its own; settles when that cell is over. */
  click(task: string, click: Click): Promise<End<Clicked>>;
  /** Slots, the cells that wait, and why none is started where that is so. */
  state(): Pick<Status, "slots" | "pool" | "halted">;
  /** Cells may be started again, says this administrator; false where they might before. */
  resume(who: string): Promise<boolean>;
  /** The cells that were given keys and are not gone yet. */
  held(): Attempt[];
  /** The leases of these tasks were ended in the store: so are their cells. */
  expired(tasks: readonly string[]): void;
  /** Ends every cell, as the door is lost or nothing may go on: their tasks are ready again, and no attempt is counted. */
  endCells(): void;
  /** The vault is there again and knows no cell. */
  vaultFound(): void;
  /** Expires dead leases, renews live ones, hands over what waits for a role that is offline. Every third of a lease's time. */
  tend(): Promise<void>;
  /** Starts nothing more and destroys every cell; their tasks are ready again. */
  stop(): Promise<void>;
};

export type DispatchOptions = {
  core: Core;
  mint: Mint;
  peers: Peers;
  background: Background;
  log: Log;
  /** What the machine has left (MiB). */
  freeMemoryMib: () => number;
};

export function openDispatch({ core, mint, peers, background, log, freeMemoryMib }: DispatchOptions): Dispatch {
  const halt = openHalt(core, log, () => void pool.drain());
  const cells = openCells(core, peers, halt, log);
  const attempts = openAttempts();
  const jobs = openJobs(core, attempts);
  const pool = openPool({ core, cells, freeMemoryMib, freed: wake });
  const excess = openExcess(attempts, cells, log);
  const runs = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function wake(): void {
    clearTimeout(timer);
    if (stopped) return;
    const now = core.now();
    if (mayStart()) startDue(now);
    const due = nextWake(core, now);
    if (due !== null) timer = setTimeout(wake, due - now + 1);
  }

  /** Whether work may begin. */
  function isOpen(): boolean {
    return halt.why() === null && core.stopped() === null;
  }

  function mayStart(): boolean {
    return isOpen() && peers.jailer.connected && peers.door.connected && peers.vault.connected;
  }

  function startDue(now: number): void {
    for (let job = jobs.next(now); job !== undefined; job = jobs.next(now)) {
      const cell = pool.take(job.role);
      if (cell === undefined) {
        makeRoom(job);
        return;
      }
      jobs.begun(job);
      const running = run(cell, job).finally(() => runs.delete(running));
      runs.add(running);
    }
    pool.tend();
  }

  /** A cell that only waits gives its slot to work, and a run in shadow to live work. */
  function makeRoom({ comparison }: Job): void {
    if (pool.makeRoom() || comparison?.mode === "shadow") return;
    attempts
      .all()
      .find((attempt) => attempt.comparison?.mode === "shadow")
      ?.end({ how: "lost" });
  }

  async function ask<T>(jobFor: (resolve: (end: End<T>) => void) => Job): Promise<End<T>> {
    if (halt.why() !== null) return later("No cell is started now: a guard was missing in one (silo status).");
    const stopped = core.stopped();
    if (stopped !== null) return stopped;
    const end = jobs.ask(jobFor);
    wake();
    return end;
  }

  /** One cell from its work until nothing of it is left. */
  async function run(cell: Cell, job: Job): Promise<void> {
    const attempt = attempts.open(cell, job);
    const claimed = (await cells.isWaiting(cell)) ? await take(attempt, job) : await giveUp(attempt);
    if (claimed !== null) await serve(attempt, claimed);
    await job.over(attempt, await attempt.over);
    await cells.destroy(cell);
    attempts.close(attempt.cell);
    wake();
  }

  /** The cell is no use: the task rests. What is a fault of the cell counts as an attempt, what is one of ours does not. */
  async function giveUp(attempt: Attempt): Promise<null> {
    attempt.end({ how: peers.door.connected ? "exit" : "lost" });
    const over = await attempt.over;
    log.warn({ cell: attempt.cell, how: over.how }, "a cell did not come up");
    if (attempt.click !== null || attempt.comparison !== null) return null;
    await core.commit(() => {
      if (positionOf(core.store, attempt.task).state !== "ready") return;
      if (over.how === "exit") failStart(core, attempt.task);
      else postpone(core, attempt.task);
    });
    background.settled(attempt.task);
    return null;
  }

  /** Gives the task to the cell that waits. */
  async function take(attempt: Attempt, { task, click, comparison }: Job): Promise<Claimed | null> {
    const { held } = attempt;
    const claimed = await core.commit(() => {
      if (!isOpen() || !useOnce(held)) return null;
      const claimed =
        comparison === null ? claim(core, mint, task, held, click) : claimComparison(core, mint, comparison, held);
      attempt.lease = claimed?.lease ?? null;
      attempt.keys = claimed === null ? [] : [claimed.baseKey, claimed.taskKey];
      return claimed;
    });
    if (claimed === null) attempt.end(isOpen() ? { how: "settled", ending: null } : { how: "lost" });
    return claimed;
  }

  /** Binds vault and door, and waits until the attempt is over and settled. */
  async function serve(attempt: Attempt, claimed: Claimed): Promise<void> {
    const deadline = setTimeout(() => attempt.end({ how: "timeout" }), claimed.lease.deadline - core.now());
    const bound = (await cells.bindVault(attempt, claimed.lease)) && (await cells.bindDoor(attempt, claimed));
    if (!bound) attempt.end({ how: "lost" });
    const over = await attempt.over;
    clearTimeout(deadline);
    if (over.how !== "settled") await settleIfHeld(attempt, { how: over.how });
    background.settled(attempt.task);
  }

  /** Settles what this attempt holds; does nothing when it holds nothing any more. */
  async function settleIfHeld(attempt: Attempt, ending: Ending): Promise<void> {
    const { lease, cell, task } = attempt;
    await core.commit(() => {
      const current = core.store.leases.get(task);
      if (lease !== null && current?.cell === cell && current.epoch === lease.epoch) settle(core, task, ending);
    });
  }

  function endOf(tasks: readonly string[]): void {
    for (const task of tasks) attempts.ofTask(task)?.end({ how: "settled", ending: null });
    for (const task of tasks) background.settled(task);
    wake();
  }

  return {
    wake,
    intend(call) {
      const attempt = attempts.ofCell(call.cell);
      return isCompared(attempt) ? compareCallOf(core, attempt, call) : core.commit(() => intend(core, call));
    },
    comparisonOf: attempts.comparisonOf,
    async end(body) {
      const attempt = attempts.ofCell(body.cell);
      if (isCompared(attempt)) return endComparison(attempt, body);
      const told = await core.commit(() => {
        const held = heldBy(core, body);
        if (held === null) return null;
        settle(core, held.task.task, body.ending);
        return held.task.task;
      });
      if (told === null) excess.suspect(body.cell);
      if (told === null) return refused("EPOCH_STALE");
      attempt?.end({ how: "settled", ending: body.ending });
      return done({});
    },
    countFinding: excess.countFinding,
    countIntent: excess.countIntent,
    async click(task, click) {
      const role = clickRole(core, task, click);
      if (role.end !== "done") return role;
      return ask((resolve: (end: End<Clicked>) => void) => ({
        ...{ task, role: role.value, click, comparison: null },
        over: (attempt, over) => resolve(clickEnd(core, attempt, over)),
      }));
    },
    compare: (comparison, conclude) =>
      ask((resolve) => ({
        ...{ task: comparison.task, role: comparison.role, click: null, comparison },
        over: async (_, over) => resolve(await core.commit(() => conclude(endingOf(over)))),
      })),
    held: () => attempts.all().filter(({ keys }) => keys.length > 0),
    expired: endOf,
    state: () => ({
      slots: { total: core.settings.slots, used: attempts.all().length },
      pool: pool.counts(),
      halted: halt.why(),
    }),
    async resume(who) {
      const resumed = await halt.resume(who);
      wake();
      return resumed;
    },
    endCells() {
      for (const cell of cells.all()) cell.end({ how: "lost" });
    },
    vaultFound() {
      for (const attempt of attempts.all()) if (attempt.lease !== null) void cells.bindVault(attempt, attempt.lease);
      background.resume();
      wake();
    },
    async tend() {
      const { expired, handed } = await core.commit(() => {
        const expired = expireOverdue(core);
        renew(core, attempts.all());
        return { expired, handed: handOver(core) };
      });
      for (const task of handed) background.settled(task);
      endOf(expired);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      for (const attempt of attempts.all()) attempt.end({ how: "lost" });
      await Promise.all([...runs, pool.drain()]);
    },
  };
}
