/** What a task's cell is told, from the records. Tokens only. */
import type { TaskDocument } from "./abi/messages.ts";
import { assigned, mustGet } from "./core.ts";
import type { Assignment, Click, Handover } from "./records.ts";
import type { Store } from "./store.ts";

/** The document of one attempt: the same in every re-run of an assignment. */
export function documentOf(
  store: Store,
  id: string,
  attempt: { first_step: number; click: Click | null },
  assignment: Assignment = assigned(store, id).assignment,
): TaskDocument {
  const { task, case: matter } = assigned(store, id);
  const { fields, text } = mustGet(store.submissions.get(id), id);
  const click = attempt.click === null ? null : { tool: attempt.click.tool, arguments: attempt.click.arguments };
  return {
    task: id,
    case: task.case,
    kind: task.kind,
    role: assignment.role,
    customer: matter.customer,
    fields,
    text,
    mode: "live",
    now: assignment.now,
    first_step: attempt.first_step,
    history: historyOf(store, assignment),
    click,
  };
}

/** Who had the task before and why they handed it over, oldest first. */
export function historyOf(store: Store, assignment: Assignment): Handover[] {
  if (assignment.handover === null || assignment.previous === null) return [];
  const before = mustGet(store.assignments.get(assignment.previous), assignment.previous);
  return [...historyOf(store, before), assignment.handover];
}
