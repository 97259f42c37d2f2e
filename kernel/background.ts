/** What goes on beside the cells, through the vault, until it has succeeded: answers to deliver, open effects to decide. */
import type { kernelToVault } from "./abi/messages.ts";
import { type Core, mustGet } from "./core.ts";
import { askNext, decided, type Question, undecided } from "./decide.ts";
import { deliveryOf, receipt, undeliverable, undelivered } from "./outbox.ts";
import type { Client } from "./process/connect.ts";
import { positionOf } from "./queue.ts";
import { openRetries } from "./retries.ts";

/** Deliveries to one frontend at once: one that acknowledges nothing holds up its own answers and nobody else's. */
export const DELIVERIES_MAX = 16;
const DECISIONS_MAX = 32;
const REST_MS = 250;
const REST_MS_MAX = 30_000;
/** The vault hydrates, the frontend acknowledges; a proxy looks up what it did. */
const ANSWER_MS_MAX = 30_000;

export type Background = {
  /** Looks where a task stands after something was settled, and goes on from there. */
  settled(task: string): void;
  /** The vault is there (again). */
  resume(): void;
  stop(): void;
};

/** `moved` is called when a decision has let a task go on. */
export function openBackground(core: Core, vault: Client<typeof kernelToVault>, moved: () => void): Background {
  const rests = { restMs: REST_MS, restMsMax: REST_MS_MAX };
  const deliveries = openRetries({ ...rests, lineOf: frontendOf, inFlightMax: DELIVERIES_MAX, attempt: deliver });
  const decisions = openRetries({ ...rests, lineOf: () => "", inFlightMax: DECISIONS_MAX, attempt: decide });

  function frontendOf(task: string): string {
    return mustGet(core.store.tasks.get(task), task).frontend;
  }

  async function deliver(task: string): Promise<boolean> {
    const delivery = deliveryOf(core, task);
    if (delivery === null) return true;
    const end = await vault.request("deliver", delivery, ANSWER_MS_MAX);
    if (end.end === "done") await core.commit(() => receipt(core, delivery));
    if (end.end === "refused") await core.commit(() => undeliverable(core, delivery, end.code));
    return end.end === "done" || (end.end === "refused" && deliver(task));
  }

  async function decide(task: string): Promise<boolean> {
    const question = await core.commit(() => askNext(core, task));
    if (question === null) return finish(task);
    return (await askVault(task, question)) && decide(task);
  }

  function finish(task: string): true {
    settled(task);
    moved();
    return true;
  }

  async function askVault(task: string, question: Question): Promise<boolean> {
    const end = await vault.request("settle", question.body, ANSWER_MS_MAX);
    if (end.end === "later" || end.end === "lost") return false;
    if (end.end === "refused" && end.code === "PERMIT_EXPIRED") return false;
    await core.commit(() => decided(core, task, question, end.end === "done" ? end.value : "unknown"));
    return true;
  }

  function settled(task: string): void {
    const position = positionOf(core.store, task);
    if (position.state === "ended") deliveries.add(task);
    if (position.state === "waiting" && position.record.for === "decision") decisions.add(task);
  }

  return {
    settled,
    resume() {
      for (const task of undelivered(core)) deliveries.add(task);
      for (const task of undecided(core)) decisions.add(task);
    },
    stop() {
      deliveries.stop();
      decisions.stop();
    },
  };
}
