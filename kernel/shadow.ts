/**
 * Shadow: where the transition map says so, an agent runs beside the person who has the task, so that the two can be compared.
 *
 * Threat: the run beside holds up the task, or changes what becomes of it.
 * Contract: a shadow is due in the transaction that gives the task to a person, and is started only where no live work waits for the slot; it gives
 * its slot back when some does. What it did is kept in one transaction with its audit entry, beside the task and in none of its records.
 * Failure: a run that came to nothing is made again with growing pauses, as often as an attempt, and then given up: the log says so.
 */
import type { Event } from "./abi/events.ts";
import { newId } from "./abi/ids.ts";
import { type Comparison, newComparison, placeOf } from "./comparison.ts";
import { type Core, mustGet, note } from "./core.ts";
import { madeCalls, notRun, totalsWithout } from "./not-live.ts";
import type { Ending, Shadow } from "./records.ts";
import type { ActiveRole } from "./roles.ts";
import { putShadow } from "./shadows.ts";

/** The run that is due: what the person was given, in the hands of the agent. */
export function shadowRun(core: Core, task: string, role: ActiveRole): Comparison {
  const { beside } = mustGet(core.store.shadows.get(task), task);
  const live = mustGet(core.store.assignments.get(beside), beside);
  const own = { assignment: newId("asgn", core.random), role: role.role, human: false, failures: 0, epoch: 1 };
  const assignment = { ...live, ...own, fault: null };
  const given = { mode: "shadow" as const, task, assignment, recorded: null, role, who: null };
  return newComparison(given, totalsWithout(core.store, task));
}

/** Keeps what the run came to, inside a transaction. */
export function concludeShadow(core: Core, comparison: Comparison, ending: Ending | null): void {
  const { task, role } = comparison;
  const shadow = mustGet(core.store.shadows.get(task), task);
  if (ending === null || notRun(comparison, ending)) failShadow(core, comparison, shadow);
  else {
    const run = { bundle: role.bundle, at: core.now(), calls: madeCalls(comparison), ending };
    putShadow(core.store, task, { ...shadow, state: "ran", run });
    note(core, "shadow", { ...placeOf(core.store, comparison), event: eventOf(ending) });
  }
}

function failShadow(core: Core, comparison: Comparison, shadow: Shadow): void {
  const { max, backoff_ms, backoff_ms_max } = core.settings.attempts;
  const failures = shadow.failures + 1;
  const due = core.now() + Math.min(backoff_ms * 2 ** (failures - 1), backoff_ms_max);
  const state = failures < max ? "due" : "given up";
  putShadow(core.store, comparison.task, { ...shadow, failures, due, state });
  if (state === "given up") note(core, "shadow", { ...placeOf(core.store, comparison), outcome: state });
}

/** What a live run that ended so would have told the transition map. */
export function eventOf({ how }: Ending): Event {
  if (how === "complete") return "Completed";
  if (how === "escalate") return "Escalated";
  return how === "timeout" ? "TimedOut" : "Failed";
}
