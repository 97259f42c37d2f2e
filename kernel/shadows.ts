/** Runs in shadow that are to be made, or were: one record a task, and the queue of those that are due. Inside a transaction. */
import type { Shadow } from "./records.ts";
import type { Store } from "./store.ts";

/** Makes a run of `role` due beside an assignment of a person. A task has one. */
export function openShadow(store: Store, task: string, beside: string, role: string, now: number): void {
  if (store.shadows.has(task)) return;
  putShadow(store, task, { role, beside, due: now, failures: 0, state: "due", run: null });
}

export function putShadow(store: Store, task: string, shadow: Shadow): void {
  const before = store.shadows.get(task);
  if (before?.state === "due") store.shadowsDue.remove([before.role, before.due, task]);
  store.shadows.put(task, shadow);
  if (shadow.state === "due") store.shadowsDue.put([shadow.role, shadow.due, task], shadow.beside);
}
