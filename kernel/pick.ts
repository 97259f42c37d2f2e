/** Which ready task gets the next free slot: of all roles that may run, the one that is due longest. */
import type { Core } from "./core.ts";
import { dueTasks, nextDue } from "./queue.ts";
import type { ActiveRole } from "./roles.ts";

export type Pick = { task: string; role: ActiveRole };

/** The task to start `now` (ms) from one of the store's two queues, leaving out those in `busy`; null when none is due. */
export function pick(core: Core, queue: "due" | "shadowsDue", busy: ReadonlySet<string>, now: number): Pick | null {
  const candidates = runnable(core).flatMap((role) =>
    dueTasks(core.store[queue], role.role, now, busy.size + 1)
      .filter(({ task }) => !busy.has(task))
      .slice(0, 1)
      .map(({ task, due }) => ({ task, role, due })),
  );
  return candidates.sort((a, b) => a.due - b.due)[0] ?? null;
}

/** When the next task is due that pick() did not see at the same `now` (ms). */
export function nextWake(core: Core, now: number): number | null {
  const times = runnable(core)
    .flatMap((role) => [nextDue(core.store.due, role.role), nextDue(core.store.shadowsDue, role.role)])
    .filter((due) => due !== null && due > now);
  return times.length === 0 ? null : Math.min(...(times as number[]));
}

function runnable(core: Core): ActiveRole[] {
  return core.store.roles
    .all()
    .filter(({ value }) => value.online && !value.human)
    .map(({ value }) => core.roles.active(value.role))
    .filter((role) => role !== null);
}
