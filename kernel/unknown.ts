/**
 * Effects of which nobody can tell whether they happened, and what a person decides about them.
 *
 * Threat: an effect is done twice, or counted wrong, because somebody decided what was certain, what somebody else holds, or decided twice.
 * Contract: only UNKNOWN_OUTCOME is decided, once, by the person who holds the task, in one transaction with who in the log. *happened*
 * keeps what was reserved; *did-not* gives it back and lets a later attempt, under a newer epoch, make the call again. Nobody can say
 * *did-not* of a call that its latest permit may still bring about.
 * Failure: TASK_STATE with what there is to do instead; nothing changes.
 */
import { UNKNOWN_SHOWN_MAX, UNSETTLED_MS } from "./abi/bounds.ts";
import type { consoleToKernel } from "./abi/console-messages.ts";
import { type Done, done, type Refused, refused } from "./abi/ends.ts";
import type { RequestOf, ValueOf } from "./abi/messages.ts";
import { assignmentsOf } from "./assign.ts";
import { touch } from "./conclude.ts";
import { assigned, type Core, note } from "./core.ts";
import { close, recorded } from "./journal.ts";
import type { Assignment, JournalEntry } from "./records.ts";
import type { Store } from "./store.ts";

type Decided = RequestOf<typeof consoleToKernel, "task_decide">;
type Unknown = { assignment: Assignment; step: number; entry: JournalEntry };

/** The undecided effects of one task, as people are shown them. */
export function unknownOf(store: Store, task: string): ValueOf<typeof consoleToKernel, "task_show">["unknown"] {
  return unknownsOf(assignmentsOf(store, task), store)
    .slice(0, UNKNOWN_SHOWN_MAX)
    .map(({ assignment: { assignment, role }, step, entry }) => ({
      ...{ assignment, role, step },
      capability: entry.capability,
    }));
}

/** The undecided steps of one assignment. */
export function unknownSteps(store: Store, assignment: Assignment): number[] {
  return unknownsOf([assignment], store).map(({ step }) => step);
}

function unknownsOf(assignments: readonly Assignment[], store: Store): Unknown[] {
  return assignments.flatMap((assignment) =>
    store.journal
      .under([assignment.assignment])
      .filter(({ value }) => value.outcome?.end === "unknown")
      .map(({ key, value }) => ({ assignment, step: (key as [string, number])[1], entry: value })),
  );
}

/** Decides one effect of a task that `person` holds, inside a transaction. */
export function decideUnknown(core: Core, person: string, asked: Decided): Done<null> | Refused {
  const found = findUnknown(core.store, asked);
  if (found.end !== "done") return found;
  const { assignment, step, entry } = found.value;
  const { task } = assigned(core.store, asked.task);
  const place = { task: asked.task, assignment: assignment.assignment, step };
  const happened = asked.decision === "happened";
  const early = unsettledSeconds(entry, core.now());
  if (!happened && early > 0)
    return refused("TASK_STATE", `Step ${step} may still happen. Look again, and decide in ${early} s.`);
  const outcome = { end: happened ? ("happened" as const) : ("void" as const) };
  const marked = happened ? entry : { ...entry, void_until: assignment.epoch };
  const ledger = close(core.store, place, marked, outcome, happened);
  touch(core, asked.task);
  note(core, "decide", {
    ...place,
    case: task.case,
    who: person,
    role: assignment.role,
    capability: entry.capability,
    arguments: entry.digest,
    outcome: outcome.end,
    ...(ledger.length > 0 && { ledger }),
  });
  return done(null);
}

/** How long the latest permit of a call may still bring it about. */
function unsettledSeconds({ at, renewed_at = at }: JournalEntry, now: number): number {
  return Math.ceil((renewed_at + UNSETTLED_MS - now) / 1000);
}

function findUnknown(store: Store, { task, assignment: named, step }: Decided): Done<Unknown> | Refused {
  const assignments = assignmentsOf(store, task).filter(({ assignment }) => named === null || named === assignment);
  const found = assignments.flatMap((assignment) => {
    const entry = recorded(store, { assignment: assignment.assignment, step });
    return entry?.outcome?.end === "unknown" ? [{ assignment, step, entry }] : [];
  });
  const [first, second] = found;
  if (first === undefined) return refused("TASK_STATE", `Step ${step} has nothing to decide: see 'silo task show'.`);
  if (second !== undefined) return refused("TASK_STATE", `More than one call has step ${step}: name its assignment.`);
  return done(first);
}
