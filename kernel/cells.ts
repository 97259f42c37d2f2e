/** What is done with one cell, through the jailer, the door and the vault: the steps, without their order. */
import { type Mode, newId } from "./abi/ids.ts";
import type { Exit, kernelToDoor, kernelToJailer, kernelToVault } from "./abi/messages.ts";
import type { Attempt } from "./attempts.ts";
import { sealedOf } from "./cases.ts";
import { type Cell, madeFor, newCell, type Over } from "./cell.ts";
import type { Claimed } from "./claim.ts";
import { type Core, mustGet, note } from "./core.ts";
import type { Halt } from "./halt.ts";
import type { Client } from "./process/connect.ts";
import type { Log } from "./process/log.ts";
import type { Lease } from "./records.ts";
import type { ActiveRole } from "./roles.ts";

/** From starting a cell to its waiting at the door. */
const START_MS_MAX = 15_000;
/** For the vault and the door to take a binding. */
const BIND_MS_MAX = 5_000;
/** For the door and the vault to forget a cell. */
const FORGET_MS_MAX = 5_000;

export type Peers = {
  door: Client<typeof kernelToDoor>;
  vault: Client<typeof kernelToVault>;
  jailer: Client<typeof kernelToJailer>;
};

export type Cells = {
  /** Starts one in the lowest free slot; undefined where none is free. */
  start(role: ActiveRole): Cell | undefined;
  /** Settles when the cell has come up, with true: it has been probed and waits at the door. False: it never will. */
  isWaiting(cell: Cell): Promise<boolean>;
  /** The vault learns whose calls this cell makes, and what it sealed for the case. A case it refuses to open counts as an attempt. */
  bindVault(attempt: Attempt, lease: Lease): Promise<boolean>;
  /** The waiting cell gets its task and keys. */
  bindDoor(attempt: Attempt, claimed: Claimed): Promise<boolean>;
  /** First its calls end, then the cell itself. Settles when nothing of it is left: its slot is free. */
  destroy(cell: Cell): Promise<void>;
  /** Those of which something may be left, oldest first. */
  all(): Cell[];
  of(cell: string): Cell | undefined;
};

type Live = { cell: Cell; waiting: Promise<boolean>; gone: Promise<void> };

/** What an exit means for the attempt. A cell that we killed, or lost, is no fault of the agent's. */
const overOf: Record<Exit["reason"], Over> = {
  exited: { how: "exit" },
  failed: { how: "exit" },
  deadline: { how: "timeout" },
  killed: { how: "lost" },
};

export function openCells(core: Core, { door, vault, jailer }: Peers, halt: Halt, log: Log): Cells {
  const live = new Map<string, Live>();

  /** Settles when the jailer says that it is gone. */
  async function watch(held: Cell): Promise<void> {
    const { slot, cell } = held;
    const { role, deadline_ms, ...made } = held.made;
    noteCell("cell_start", held);
    const latest = deadline_ms + core.settings.pool.age_ms_max + START_MS_MAX;
    const end = await jailer.request("start", { slot, cell, ...made, deadline_ms: latest });
    if (end.end !== "done") log.warn({ cell, end: end.end }, "the jailer did not run a cell");
    if (end.end === "done") held.end(endOf(held, end.value.exit));
    else held.end(end.end === "refused" ? overOf.failed : overOf.killed);
    noteCell("cell_end", held);
  }

  /** Before it was offered a cell ran our code alone; once it was, nothing of an agent's until it is bound. */
  function endOf({ cell, made, came, isBound, isOver }: Cell, { reason, code }: Exit): Over {
    if (came !== null) return isBound ? overOf[reason] : overOf.killed;
    const isOurs = !isOver && reason === "failed" && halt.failed({ cell, role: made.role }, code);
    return isOurs ? overOf.killed : overOf[reason];
  }

  async function comeUp(held: Cell): Promise<boolean> {
    const { slot, cell, over } = held;
    const first = await Promise.race([door.request("expect", { slot, cell }, START_MS_MAX), over]);
    if (!("end" in first) || first.end !== "done") return false;
    held.came = core.now();
    halt.came();
    return true;
  }

  /** With the next group: nothing is decided by it. */
  function noteCell(verb: "cell_start" | "cell_end", { cell, made }: Cell): void {
    const { role, bundle, isolation } = made;
    core.ride(() => note(core, verb, { cell, role, bundle, isolation }));
  }

  function freeSlot(): number | undefined {
    const taken = new Set([...live.values()].map(({ cell }) => cell.slot));
    return Array.from({ length: core.settings.slots }, (_, slot) => slot).find((slot) => !taken.has(slot));
  }

  return {
    start(role) {
      const slot = freeSlot();
      if (slot === undefined) return undefined;
      const cell = newCell({ cell: newId("cell", core.random), slot, made: madeFor(role), began: core.now() });
      live.set(cell.cell, { cell, gone: watch(cell), waiting: comeUp(cell) });
      return cell;
    },
    isWaiting: async ({ cell }) => (await live.get(cell)?.waiting) === true,
    async bindVault(attempt, { assignment, epoch }) {
      const { cell, task, comparison } = attempt;
      const { case: matter } = mustGet(core.store.tasks.get(task), task);
      const mode: Mode = comparison?.mode ?? "live";
      const body = { cell, task, case: matter, assignment, epoch, mode, sealed: sealedOf(core.store, matter) };
      const end = await vault.request("bind", body, BIND_MS_MAX);
      if (end.end === "refused") log.warn({ cell, code: end.code }, "the vault cannot open the case");
      if (end.end === "refused" && comparison !== null) comparison.fault = end;
      else if (end.end === "refused") attempt.end(overOf.failed);
      return end.end === "done";
    },
    async bindDoor({ held, cell, slot, over }, { document, lease, baseKey, taskKey }) {
      const [base_key, task_key] = await Promise.all([baseKey.sign(), taskKey.sign()]);
      const { assignment, epoch } = lease;
      const body = { slot, cell, assignment, epoch, document, base_key, task_key };
      const first = await Promise.race([door.request("bind", body, BIND_MS_MAX), over]);
      held.isBound = "end" in first && first.end === "done";
      return "how" in first || held.isBound;
    },
    async destroy({ cell, slot }) {
      await door.request("end", { slot, cell }, FORGET_MS_MAX);
      const gone = live.get(cell)?.gone;
      await Promise.all([vault.request("end", { cell }, FORGET_MS_MAX), jailer.request("kill", { cell }), gone]);
      live.delete(cell);
    },
    all: () => [...live.values()].map(({ cell }) => cell),
    of: (cell) => live.get(cell)?.cell,
  };
}
