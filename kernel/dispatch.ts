/**
 * The life of a task, in its order. No other file knows it.
 *
 *   start cell, door expects it -> claim (lease, epoch, keys: one transaction) -> vault bind -> door bind -> run -> settle -> cell destroyed
 *
 * A cell is started for one task and serves no other. Whatever is lost on the way (a process, a connection, a cell) leaves the task ready or
 * its open effects to be decided; nothing here has to be remembered after a crash.
 */
import { STEPS_MAX } from "./abi/bounds.ts";
import { done, type End, later, refused } from "./abi/ends.ts";
import { newId } from "./abi/ids.ts";
import type { doorToKernel, RequestOf } from "./abi/messages.ts";
import { type Attempt, type Over, openAttempts } from "./attempts.ts";
import type { Background } from "./background.ts";
import { openCells, type Peers } from "./cells.ts";
import { type Claimed, claim, renew } from "./claim.ts";
import { type Clicked, clickEnd, clickRole } from "./clicks.ts";
import { type Comparison, claimComparison } from "./comparison.ts";
import { compareCallOf, endComparison, endingOf, isCompared } from "./comparisons.ts";
import type { Core } from "./core.ts";
import { heldBy, type Intend, type Intended, intend } from "./intend.ts";
import type { Mint } from "./mint.ts";
import { handOver } from "./offline.ts";
import { nextWake, type Pick, pick } from "./pick.ts";
import type { Log } from "./process/log.ts";
import { positionOf } from "./queue.ts";
import type { Click, Ending } from "./records.ts";
import { expireOverdue } from "./recovery.ts";
import { failStart, postpone, settle } from "./settle.ts";
import { concludeShadow, shadowRun } from "./shadow.ts";

/** Refusals one cell may cause outside the journal before it is destroyed: each is a line in a log that is kept for ever. */
export const FINDINGS_MAX = 1000;
/** Calls one cell may ask for, repetitions included: each is a line in that log. Its own steps, and each once more. */
export const INTENTS_MAX = 2 * STEPS_MAX;
/** Clicks and comparisons that may wait for a slot. */
const ASKED_MAX = 100;

export type Dispatch = {
  /** Something may have become due: starts what can be started. */
  wake(): void;
  /** `door -> kernel: end`: the cell's last word. */
  end(body: RequestOf<typeof doorToKernel, "end">): Promise<End<Record<string, never>>>;
  /** A refusal of this cell was reported. */
  countFinding(cell: string | null): void;
  /** This cell asked for a call. */
  countIntent(cell: string): void;
  /** `door -> kernel: intend`: decides a call, as its cell's mode is. */
  intend(call: Intend): Promise<End<Intended>>;
  /** The run in shadow or try that makes its calls under this assignment. */
  comparisonOf(assignment: string): Comparison | null;
  /** A run that is not live, and what it came to; settles when its cell is over. */
  compare<T>(comparison: Comparison, conclude: (ending: Ending | null) => End<T>): Promise<End<T>>;
  /** One function of tools.py, in a cell of its own; settles when that cell is over. */
  click(task: string, click: Click): Promise<End<Clicked>>;
  slots(): { total: number; used: number };
  /** The cells that were given keys and are not gone yet. */
  held(): Attempt[];
  /** The leases of these tasks were ended in the store: so are their cells. */
  expired(tasks: readonly string[]): void;
  doorLost(): void;
  /** The vault is there again and knows no cell. */
  vaultFound(): void;
  /** Expires dead leases, renews live ones, hands over what waits for a role that is offline. Every third of a lease's time. */
  tend(): Promise<void>;
  /** Starts nothing more and destroys every cell; their tasks are ready again. */
  stop(): Promise<void>;
};

/** What a cell is started for. `over`: what is to be done once it is. */
type Job = Pick & {
  click: Click | null;
  comparison: Comparison | null;
  over: (attempt: Attempt, over: Over) => unknown;
};

export type DispatchOptions = {
  core: Core;
  mint: Mint;
  peers: Peers;
  background: Background;
  log: Log;
};

export function openDispatch({ core, mint, peers, background, log }: DispatchOptions): Dispatch {
  const cells = openCells(core, peers, log);
  const attempts = openAttempts();
  /** What people wait for: before any task that is ready. */
  const asked: Job[] = [];
  const runs = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function wake(): void {
    clearTimeout(timer);
    const now = core.now();
    while (!stopped && peers.jailer.connected && peers.door.connected && peers.vault.connected) {
      const slot = attempts.freeSlot(core.settings.slots);
      if (slot === undefined) makeRoom(now);
      const job = slot === undefined ? undefined : nextJob(now);
      if (slot === undefined || job === undefined) break;
      const running = run(slot, job).finally(() => runs.delete(running));
      runs.add(running);
    }
    const due = nextWake(core, now);
    if (due !== null && !stopped) timer = setTimeout(wake, due - now + 1);
  }

  function nextJob(now: number): Job | undefined {
    const job = asked.shift();
    if (job !== undefined) return job;
    const live = pick(core, "due", attempts.busy("live"), now);
    if (live !== null) return { ...live, click: null, comparison: null, over: () => undefined };
    const shadow = pick(core, "shadowsDue", attempts.busy("shadow"), now);
    return shadow === null ? undefined : shadowJob(shadow);
  }

  function shadowJob({ task, role }: Pick): Job {
    const comparison = shadowRun(core, task, role);
    const over = (_: Attempt, over: Over) => core.commit(() => concludeShadow(core, comparison, endingOf(over)));
    return { task, role, click: null, comparison, over };
  }

  /** A run in shadow gives its slot back when live work waits for one. */
  function makeRoom(now: number): void {
    const shadow = attempts.all().find(({ comparison }) => comparison?.mode === "shadow");
    if (shadow === undefined) return;
    if (asked.length > 0 || pick(core, "due", attempts.busy("live"), now) !== null) shadow.end({ how: "lost" });
  }

  /** Puts what a person waits for before the next slot that is free. */
  async function ask<T>(jobFor: (resolve: (end: End<T>) => void) => Job): Promise<End<T>> {
    if (asked.length >= ASKED_MAX) return later("Too many people are working at once.");
    const { promise, resolve } = Promise.withResolvers<End<T>>();
    asked.push(jobFor(resolve));
    wake();
    return promise;
  }

  /** One cell from its start until nothing of it is left. */
  async function run(slot: number, job: Job): Promise<void> {
    const { task, click, comparison } = job;
    const attempt = attempts.open({ cell: newId("cell", core.random), slot, task, click, comparison });
    const gone = cells.start(attempt, job.role);
    const claimed = (await cells.isWaiting(attempt)) ? await take(attempt, job) : await giveUp(attempt);
    if (claimed !== null) await serve(attempt, claimed);
    await job.over(attempt, await attempt.over);
    await cells.destroy(attempt, gone);
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
  async function take(attempt: Attempt, { task, role, click, comparison }: Job): Promise<Claimed | null> {
    const waiting = { cell: attempt.cell, slot: attempt.slot, bundle: role.bundle };
    const claimed = await core.commit(() => {
      const claimed =
        comparison === null
          ? claim(core, mint, task, waiting, click)
          : claimComparison(core, mint, comparison, waiting);
      attempt.lease = claimed?.lease ?? null;
      attempt.keys = claimed === null ? [] : [claimed.baseKey, claimed.taskKey];
      return claimed;
    });
    if (claimed === null) attempt.end({ how: "settled", ending: null });
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
      if (told === null) return refused("EPOCH_STALE");
      attempt?.end({ how: "settled", ending: body.ending });
      return done({});
    },
    countFinding(cell) {
      const attempt = cell === null ? undefined : attempts.ofCell(cell);
      if (attempt === undefined || ++attempt.findings < FINDINGS_MAX) return;
      log.warn({ cell }, "a cell caused too many refusals");
      attempt.end({ how: "exit" });
    },
    countIntent(cell) {
      const attempt = attempts.ofCell(cell);
      if (attempt === undefined || ++attempt.intents <= INTENTS_MAX) return;
      log.warn({ cell }, "a cell asked for too many calls");
      attempt.end({ how: "exit" });
    },
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
    slots: () => ({ total: core.settings.slots, used: attempts.all().length }),
    doorLost() {
      for (const attempt of attempts.all()) attempt.end({ how: "lost" });
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
      await Promise.all(runs);
    },
  };
}
