/**
 * Answers on their way to their frontends: delivered at least once, always under the same id, until there is a receipt. A task has
 * one answer, so its deliveries are in order.
 */
import { done, type End, refused } from "./abi/ends.ts";
import type { ingressToKernel, kernelToVault, RequestOf, ValueOf } from "./abi/messages.ts";
import type { RefusalCode } from "./abi/refusals.ts";
import { sealedOf } from "./cases.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { positionOf } from "./queue.ts";
import type { Ended } from "./records.ts";

export type Delivery = RequestOf<typeof kernelToVault, "deliver">;

/** Tasks whose answer is not acknowledged. */
export function undelivered(core: Core): string[] {
  return core.store.outbox.all().map(({ key }) => key as string);
}

/** The delivery of a task's answer, or null when it is acknowledged. */
export function deliveryOf({ store }: Core, id: string): Delivery | null {
  if (!store.outbox.has(id)) return null;
  const { task } = assigned(store, id);
  const { event, text, fields, delivery } = mustGet(store.ended.get(id), id);
  const { frontend, kind } = task;
  return {
    delivery,
    frontend,
    task: id,
    case: task.case,
    kind,
    event,
    text,
    fields,
    sealed: sealedOf(store, task.case),
  };
}

/** The frontend has it; the first time is logged, so that asking again does not lengthen the log. Inside a transaction. */
export function receipt(core: Core, { task, case: matter, delivery, frontend }: Delivery): void {
  const ended = mustGet(core.store.ended.get(task), task);
  if (!core.store.outbox.remove(task) || ended.told === "received") return;
  note(core, "receipt", { task, case: matter, delivery, who: frontend });
  core.store.ended.put(task, { ...ended, told: "received" });
}

/**
 * An answer that can never be delivered as it stands (it names a token that stands for nothing): the task has failed after all, and the
 * frontend is told so. If that cannot be delivered either, it stays with the dead letters. Inside a transaction.
 */
export function undeliverable(core: Core, { task, case: matter, delivery }: Delivery, code: RefusalCode): void {
  const ended = mustGet(core.store.ended.get(task), task);
  const isLast = ended.event === "Failed";
  if (isLast) core.store.outbox.remove(task);
  if (isLast && ended.told !== undefined) return;
  note(core, "undeliverable", { task, case: matter, delivery, code, event: "Failed", outcome: "Failed" });
  const failed: Ended = { ...ended, event: "Failed", reason: code, text: "", fields: {} };
  core.store.ended.put(task, isLast ? { ...failed, told: "given up" } : failed);
}

type State = ValueOf<typeof ingressToKernel, "state">;

/** `ingress -> kernel: state`: where a frontend's own task is. With `answer`, an ended one is delivered again. Inside a transaction. */
export function stateOf(
  core: Core,
  { frontend, task: id, answer }: RequestOf<typeof ingressToKernel, "state">,
): End<State> {
  if (core.store.tasks.get(id)?.frontend !== frontend) return refused("TASK_UNKNOWN");
  const { task, assignment } = assigned(core.store, id);
  const position = positionOf(core.store, id);
  const ended = position.state === "ended" ? position.record : null;
  if (answer && ended !== null && !core.store.outbox.has(id))
    core.store.outbox.put(id, { delivery: ended.delivery, since: core.now() });
  const { kind, created, updated } = task;
  const role = ended === null ? assignment.role : null;
  const event = ended?.event ?? null;
  return done({ task: id, case: task.case, kind, state: position.state, role, event, created, updated });
}
