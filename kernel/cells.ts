/** What is done with one cell, through the jailer, the door and the vault: the steps, without their order. */
import type { Mode } from "./abi/ids.ts";
import type { kernelToDoor, kernelToJailer, kernelToVault } from "./abi/messages.ts";
import type { Attempt, Over } from "./attempts.ts";
import { sealedOf } from "./cases.ts";
import type { Claimed } from "./claim.ts";
import { type Core, mustGet } from "./core.ts";
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
  /** Starts the cell; its end is told to the attempt. Settles when nothing of it is left. */
  start(attempt: Attempt, role: ActiveRole): Promise<void>;
  /** Whether the cell came up: it has been probed and waits at the door. */
  isWaiting(attempt: Attempt): Promise<boolean>;
  /** The vault learns whose calls this cell makes, and what it sealed for the case. A case it refuses to open counts as an attempt. */
  bindVault(attempt: Attempt, lease: Lease): Promise<boolean>;
  /** The waiting cell gets its task and keys. */
  bindDoor(attempt: Attempt, claimed: Claimed): Promise<boolean>;
  /** First its calls end, then the cell itself. Settles when nothing of it is left: its slot is free. */
  destroy(attempt: Attempt, gone: Promise<void>): Promise<void>;
};

/** What an exit means for the attempt. A cell that we killed, or lost, is no fault of the agent's. */
const overOf: Record<"exited" | "failed" | "deadline" | "killed", Over> = {
  exited: { how: "exit" },
  failed: { how: "exit" },
  deadline: { how: "timeout" },
  killed: { how: "lost" },
};

export function openCells(core: Core, { door, vault, jailer }: Peers, log: Log): Cells {
  return {
    async start(attempt, { isolation, bundle, resources, deadline_ms }) {
      const { slot, cell } = attempt;
      const latest = { deadline_ms: deadline_ms + START_MS_MAX };
      const end = await jailer.request("start", { slot, cell, isolation, bundle, resources, ...latest });
      if (end.end !== "done") log.warn({ cell, end: end.end }, "the jailer did not run a cell");
      if (end.end === "refused") attempt.end(overOf.failed);
      else attempt.end(end.end === "done" ? overOf[end.value.exit.reason] : overOf.killed);
    },
    async isWaiting({ slot, cell, over }) {
      const first = await Promise.race([door.request("expect", { slot, cell }, START_MS_MAX), over]);
      return "end" in first && first.end === "done";
    },
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
    async bindDoor({ cell, slot, over }, { document, lease, baseKey, taskKey }) {
      const [base_key, task_key] = await Promise.all([baseKey.sign(), taskKey.sign()]);
      const { assignment, epoch } = lease;
      const body = { slot, cell, assignment, epoch, document, base_key, task_key };
      const first = await Promise.race([door.request("bind", body, BIND_MS_MAX), over]);
      return "how" in first || first.end === "done";
    },
    async destroy({ cell, slot }, gone) {
      await door.request("end", { slot, cell }, FORGET_MS_MAX);
      await Promise.all([vault.request("end", { cell }, FORGET_MS_MAX), jailer.request("kill", { cell }), gone]);
    },
  };
}
