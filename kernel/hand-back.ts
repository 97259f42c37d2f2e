/**
 * A person hands a task back: the role that had it before makes a new attempt at the same assignment, from the start. What was recorded is
 * replayed, so nothing that happened happens again; what a person decided did not happen may be made again.
 */
import { type Done, done, type Refused, refused } from "./abi/ends.ts";
import { touch } from "./conclude.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { forget } from "./journal.ts";
import { moveToReady } from "./queue.ts";
import type { Assignment, JournalEntry } from "./records.ts";
import { unknownSteps } from "./unknown.ts";

/** Hands back a task that `person` holds, inside a transaction. */
export function handBack(core: Core, id: string, person: string): Done<null> | Refused {
  const { store } = core;
  const { task, assignment } = assigned(store, id);
  const before = assignment.previous === null ? undefined : store.assignments.get(assignment.previous);
  const unfit = unfitness(core, before);
  if (unfit !== null) return unfit;
  const { assignment: name, role, returned = [] } = mustGet(before, id);
  const next = { ...mustGet(before, id), fault: null, failures: 0, returned: [...returned, assignment.assignment] };
  forgetWhatFollowed(core, name);
  store.assignments.put(name, next);
  store.tasks.put(id, { ...task, assignment: name });
  moveToReady(store, id, { assignment: name, due: core.now() });
  touch(core, id);
  note(core, "return", { task: id, case: task.case, assignment: name, role, who: person, event: "HandedBack" });
  return done(null);
}

function unfitness(core: Core, before: Assignment | undefined): Refused | null {
  if (before === undefined || before.human)
    return refused("TASK_STATE", "No agent had this task before; there is nobody to hand it back to.");
  if (!core.roles.online(before.role))
    return refused("TASK_STATE", `The role ${before.role} is offline; set it online first, or finish the task.`);
  const [step] = unknownSteps(core.store, before);
  return step === undefined
    ? null
    : refused("TASK_STATE", `Decide first whether step ${step} happened: 'silo task decide'.`);
}

/**
 * Up to the first step that a person decided the run will be the same. What the agent read after it, and what it was refused there, belongs to
 * another course of things and is made anew; effects stay recorded, also one whose result had no room (it happened, and is still counted).
 */
function forgetWhatFollowed({ store, operations }: Core, assignment: string): void {
  const rows = store.journal
    .under([assignment])
    .map(({ key, value }) => [(key as [string, number])[1], value] as const);
  const [decided] = rows.find(([, entry]) => isByPerson(entry)) ?? [];
  if (decided === undefined) return;
  for (const [step, entry] of rows) {
    const nothingHappened = entry.outcome?.end === "refused" && entry.reserved.length === 0;
    const isEffect = operations.get(entry.capability)?.effect === "write" && !nothingHappened;
    if (step > decided && !isEffect) forget(store, { assignment, step }, entry);
  }
}

function isByPerson({ outcome, void_until }: JournalEntry): boolean {
  return outcome?.end === "happened" || void_until !== undefined;
}
