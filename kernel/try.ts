/**
 * `silo task try`: what an agent's folder would do with a task that is there, before it is approved. It runs in mode try, on the event as
 * it came in, with the grant and the bounds that are in force for its role: what its policy.yaml asks for counts for nothing.
 */

import type { consoleToKernel } from "./abi/console-messages.ts";
import { done, type End, later, refused } from "./abi/ends.ts";
import { newId } from "./abi/ids.ts";
import type { ValueOf } from "./abi/messages.ts";
import { assignmentsOf } from "./assign.ts";
import { type Comparison, type Difference, deedOf, newComparison, otherEnd, placeOf } from "./comparison.ts";
import { type Core, mustGet, note } from "./core.ts";
import { endOf, madeCalls, notRun, totalsWithout } from "./not-live.ts";
import type { Assignment, Ending } from "./records.ts";
import { eventOf } from "./shadow.ts";
import type { Store } from "./store.ts";

export type Tried = ValueOf<typeof consoleToKernel, "task_try">;

/** What is to be tried: `role` null means the agent that had the task last. */
type Asked = { task: string; role: string | null; who: string };

/** `stage`: the digest of a role's folder, kept as a bundle that is not approved; of the approved one where there is no folder. */
export function openTry(core: Core, { task, role: named, who }: Asked, stage: Stage): End<Comparison> {
  const { store, roles } = core;
  if (!store.tasks.has(task)) return refused("TASK_UNKNOWN");
  const had = assignmentsOf(store, task);
  const name = named ?? had.findLast(({ human }) => !human)?.role;
  if (name === undefined) return refused("TASK_STATE", "No agent had this task; say which to try with --agent.");
  if (roles.human(name)) return refused("ROLE_UNKNOWN", `${name} is a role of people; only an agent can be tried.`);
  const approved = roles.active(name);
  if (approved === null)
    return refused(
      "ROLE_UNKNOWN",
      `The role ${name} has no approved grant to try it with. Approve it first: silo agent approve ${name}.`,
    );
  const staged = stage(name);
  if (staged.end !== "done") return staged;
  const recorded = had.findLast(({ role }) => role === name) ?? null;
  const place = recorded ?? mustGet(had[0], task);
  const assignment: Assignment = {
    ...place,
    ...{ assignment: newId("asgn", core.random), role: name, human: false, failures: 0, epoch: 1, fault: null },
  };
  const role = { ...approved, bundle: staged.value };
  const given = { mode: "try" as const, task, assignment, recorded: recorded?.assignment ?? null, role, who };
  return done(newComparison(given, totalsWithout(store, task)));
}

export type Stage = (role: string) => End<string>;

/** The result once the cell is over, inside a transaction for its audit entry. */
export function concludeTry(core: Core, comparison: Comparison, ending: Ending | null): End<Tried> {
  if (comparison.fault !== null) return comparison.fault;
  if (ending === null || notRun(comparison, ending)) return later("The cell was lost.");
  const { role, recorded } = comparison;
  const difference = recorded === null ? null : differenceTo(core.store, recorded, comparison, ending);
  const compared =
    recorded === null ? {} : { outcome: difference === null ? ("same" as const) : ("different" as const) };
  note(core, "try", { ...placeOf(core.store, comparison), bundle: role.bundle, event: eventOf(ending), ...compared });
  return done({
    role: role.role,
    bundle: role.bundle,
    approved: core.roles.active(role.role)?.bundle === role.bundle,
    calls: madeCalls(comparison),
    ending: endOf(ending),
    compared: recorded !== null,
    difference,
  });
}

/** The first step that one of the two did not make, or made otherwise; else the ending, where it is the agent's own answer. */
function differenceTo(store: Store, recorded: string, comparison: Comparison, ending: Ending): Difference | null {
  const entries = new Map(
    store.journal.under([recorded]).map(({ key, value }) => [(key as [string, number])[1], value] as const),
  );
  const steps = new Set([...entries.keys(), ...comparison.made.keys()]);
  for (const step of [...steps].sort((a, b) => a - b)) {
    const then = entries.get(step);
    const now = comparison.made.get(step);
    if (then?.capability === now?.call.capability && then?.digest === now?.digest) continue;
    return {
      step,
      recorded: then === undefined ? null : deedOf(then),
      made: now === undefined ? null : deedOf({ ...now.call, digest: now.digest }),
    };
  }
  return otherEnd(store, comparison, ending);
}
