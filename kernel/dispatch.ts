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
import { type Attempt, openAttempts } from "./attempts.ts";
import type { Background } from "./background.ts";
import { openCells, type Peers } from "./cells.ts";
import { type Claimed, claim, renew } from "./claim.ts";
import { type Clicked, clickEnd, clickRole } from "./clicks.ts";
import type { Core } from "./core.ts";
import { heldBy } from "./intend.ts";
import type { Mint } from "./mint.ts";
import { handOver } from "./offline.ts";
import { nextWake, type Pick, pick } from "./pick.ts";
import type { Log } from "./process/log.ts";
import { positionOf } from "./queue.ts";
import type { Click, Ending } from "./records.ts";
import { expireOverdue } from "./recovery.ts";
import { failStart, postpone, settle } from "./settle.ts";

/** Refusals one cell may cause outside the journal before it is destroyed: each is a line in a log that is kept for ever. */
export const FINDINGS_MAX = 1000;
/** Calls one cell may ask for, repetitions included: each is a line in that log. Its own steps, and each once more. */
export const INTENTS_MAX = 2 * STEPS_MAX;
/** Clicks that may wait for a slot. */
const CLICKS_MAX = 100;

export type Dispatch = {
  /** Something may have become due: starts what can be started. */
  wake(): void;
  /** `door -> kernel: end`: the cell's last word. */
  end(body: RequestOf<typeof doorToKernel, "end">): Promise<End<Record<string, never>>>;
  /** A refusal of this cell was reported. */
  countFinding(cell: string | null): void;
  /** This cell asked for a call. */
  countIntent(cell: string): void;
  /** One function of tools.py, in a cell of its own; settles when that cell is over. */
  click(task: string, click: Click): Promise<End<Clicked>>;
  slots(): { total: number; used: number };
  /** The cells that hold keys now. */
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

type Job = Pick & { click: Click | null; answer: (end: End<Clicked>) => void };

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
  const clicks: Job[] = [];
  const runs = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function wake(): void {
    clearTimeout(timer);
    const now = core.now();
    while (!stopped && peers.jailer.connected && peers.door.connected && peers.vault.connected) {
      const slot = attempts.freeSlot(core.settings.slots);
      const job = slot === undefined ? undefined : nextJob(now);
      if (slot === undefined || job === undefined) break;
      const running = run(slot, job).finally(() => runs.delete(running));
      runs.add(running);
    }
    const due = nextWake(core, now);
    if (due !== null && !stopped) timer = setTimeout(wake, due - now + 1);
  }

  function nextJob(now: number): Job | undefined {
    const click = clicks.shift();
    if (click !== undefined) return click;
    const picked = pick(core, new Set(attempts.all().map(({ task }) => task)), now);
    return picked === null ? undefined : { ...picked, click: null, answer: () => undefined };
  }

  /** One cell from its start until nothing of it is left. */
  async function run(slot: number, job: Job): Promise<void> {
    const attempt = attempts.open({ cell: newId("cell", core.random), slot, task: job.task, click: job.click });
    const gone = cells.start(attempt, job.role);
    const claimed = (await cells.isWaiting(attempt)) ? await take(attempt, job) : await giveUp(attempt);
    if (claimed !== null) await serve(attempt, claimed);
    job.answer(clickEnd(core, attempt, await attempt.over));
    await cells.destroy(attempt, gone);
    attempts.close(attempt.cell);
    wake();
  }

  /** The cell is no use: the task rests. What is a fault of the cell counts as an attempt, what is one of ours does not. */
  async function giveUp(attempt: Attempt): Promise<null> {
    attempt.end({ how: peers.door.connected ? "exit" : "lost" });
    const over = await attempt.over;
    log.warn({ cell: attempt.cell, how: over.how }, "a cell did not come up");
    if (attempt.click !== null) return null;
    await core.commit(() => {
      if (positionOf(core.store, attempt.task).state !== "ready") return;
      if (over.how === "exit") failStart(core, attempt.task);
      else postpone(core, attempt.task);
    });
    background.settled(attempt.task);
    return null;
  }

  /** Gives the task to the cell that waits. */
  async function take(attempt: Attempt, { task, role, click }: Job): Promise<Claimed | null> {
    const { cell, slot } = attempt;
    const claimed = await core.commit(() => {
      const claimed = claim(core, mint, task, { cell, slot, bundle: role.bundle }, click);
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
    async end(body) {
      const told = await core.commit(() => {
        const held = heldBy(core, body);
        if (held === null) return null;
        settle(core, held.task.task, body.ending);
        return held.task.task;
      });
      if (told === null) return refused("EPOCH_STALE");
      attempts.ofCell(body.cell)?.end({ how: "settled", ending: body.ending });
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
      if (clicks.length >= CLICKS_MAX) return later("Too many people are working at once.");
      const { promise, resolve } = Promise.withResolvers<End<Clicked>>();
      clicks.push({ task, role: role.value, click, answer: resolve });
      wake();
      return promise;
    },
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
