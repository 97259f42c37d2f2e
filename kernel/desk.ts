/** What people see of tasks and do with them; who may is decided by the caller (admin.ts), what is possible is decided here. */

import type { consoleToKernel, TaskLine } from "./abi/console-messages.ts";
import { done, type End, refused } from "./abi/ends.ts";
import type { Json } from "./abi/json.ts";
import type { RequestOf, ValueOf } from "./abi/messages.ts";
import { assignmentsOf } from "./assign.ts";
import { logSize, readLog } from "./audit/log.ts";
import type { Background } from "./background.ts";
import type { Clicked } from "./clicks.ts";
import { conclude } from "./conclude.ts";
import { assigned, type Core, note } from "./core.ts";
import type { Dispatch } from "./dispatch.ts";
import { documentOf } from "./document.ts";
import { handBack } from "./hand-back.ts";
import { nextStep } from "./journal.ts";
import { endOf } from "./not-live.ts";
import { moveToWaiting, type Position, positionOf } from "./queue.ts";
import type { Fields, JournalEntry, Outcome, Waiting } from "./records.ts";
import { type Compared, concludeReplay, openReplay } from "./replay.ts";
import type { Store } from "./store.ts";
import { concludeTry, openTry, type Stage, type Tried } from "./try.ts";
import { decideUnknown, unknownOf } from "./unknown.ts";

/** Calls of a task that are shown, canonical: with its document they fit into a frame (FRAME_BYTES_MAX). */
const SHOWN_CALLS_BYTES_MAX = 4 * 1024 * 1024;
/** So much of each reason stands in a list. */
export const LISTED_REASON_CHARS_MAX = 200;

type Shown = ValueOf<typeof consoleToKernel, "task_show">;
type TaskFilter = RequestOf<typeof consoleToKernel, "task_list"> & { roles: string[] | null };

export type Desk = {
  /** Newest first. `roles`: only tasks in the hands of these; null: all. */
  tasks(filter: TaskFilter): TaskLine[];
  task(id: string): Shown | null;
  /** A waiting task goes into this person's hands. `roles`: those the person has. */
  take(task: string, person: string, roles: string[]): Promise<End<TaskLine>>;
  call(task: string, person: string, tool: string, given: Fields): Promise<End<Clicked>>;
  finish(task: string, person: string, text: string, fields: Fields): Promise<End<TaskLine>>;
  /** Whether an effect happened of which nobody else can tell. */
  decide(person: string, asked: RequestOf<typeof consoleToKernel, "task_decide">): Promise<End<TaskLine>>;
  /** Back to the role that had it before. */
  handBack(task: string, person: string): Promise<End<TaskLine>>;
  /** Whether the agent of an ended task would do the same again. */
  replay(task: string, who: string): Promise<End<Compared>>;
  /** What an agent's folder would do with a task that is there. `role`: null for the agent that had it last. */
  try(asked: { task: string; role: string | null; who: string }): Promise<End<Tried>>;
  counts(): Record<Position["state"], number>;
  undelivered(): number;
  auditEntries(): number;
  /** Of the cells: slots, those that wait, and why none is started where that is so. */
  cells: Dispatch["state"];
  /** Cells may be started again; false where they might before. */
  resume: Dispatch["resume"];
  /** The case of a customer token. */
  caseOf(customer: string): End<{ case: string }>;
  auditShow(query: RequestOf<typeof consoleToKernel, "audit_show">): ValueOf<typeof consoleToKernel, "audit_show">;
  /** A role was approved, or went online or offline. */
  rolesChanged(): void;
};

export function openDesk(
  core: Core,
  dispatch: Pick<Dispatch, "click" | "compare" | "state" | "resume" | "wake">,
  background: Pick<Background, "settled">,
  stage: Stage,
): Desk {
  const { store } = core;
  return {
    tasks: (filter) => linesOf(core, filter),
    task: (id) => (store.tasks.has(id) ? show(core, id) : null),
    take: (task, person, roles) => core.commit(() => take(core, task, person, roles)),
    call: (task, person, tool, given) => dispatch.click(task, { person, tool, arguments: given }),
    async finish(task, person, text, fields) {
      const end = await core.commit(() => ifHeld(core, task, person, () => finish(core, task, person, text, fields)));
      if (end.end === "done") background.settled(task);
      dispatch.wake();
      return end;
    },
    decide: (person, asked) =>
      core.commit(() => ifHeld(core, asked.task, person, () => decideUnknown(core, person, asked))),
    async handBack(task, person) {
      const end = await core.commit(() => ifHeld(core, task, person, () => handBack(core, task, person)));
      dispatch.wake();
      return end;
    },
    async replay(task, who) {
      const opened = openReplay(core, task, who);
      if (opened.end !== "done") return opened;
      return dispatch.compare(opened.value, (ending) => concludeReplay(core, opened.value, ending));
    },
    async try(asked) {
      const opened = openTry(core, asked, stage);
      if (opened.end !== "done") return opened;
      return dispatch.compare(opened.value, (ending) => concludeTry(core, opened.value, ending));
    },
    counts: () => ({
      ready: store.ready.count(),
      leased: store.leases.count(),
      waiting: store.waiting.count(),
      ended: store.ended.count(),
    }),
    undelivered: () => store.outbox.count(),
    auditEntries: () => logSize(store),
    cells: dispatch.state,
    resume: dispatch.resume,
    caseOf(customer) {
      const found = store.cases.all().find(({ value }) => value.customer === customer);
      return found === undefined ? refused("CASE_UNKNOWN") : done({ case: found.value.case });
    },
    auditShow: (query) => readLog(store, query),
    rolesChanged: dispatch.wake,
  };
}

function linesOf(core: Core, { state, role, dead, limit, roles }: TaskFilter): TaskLine[] {
  return candidates(core.store, state, dead)
    .map((id) => lineOf(core, id))
    .filter((line) => state === null || line.state === state)
    .filter((line) => role === null || line.role === role)
    .filter((line) => roles === null || (line.role !== null && roles.includes(line.role)))
    .filter((line) => !dead || line.event === "Failed")
    .sort((a, b) => b.updated - a.updated)
    .slice(0, limit)
    .map((line) => ({ ...line, reason: line.reason?.slice(0, LISTED_REASON_CHARS_MAX) ?? null }));
}

/** Tasks of the state asked for; dead letters have ended. */
function candidates(store: Store, state: Position["state"] | null, dead: boolean): string[] {
  const tables = { ready: store.ready, leased: store.leases, waiting: store.waiting, ended: store.ended };
  const table = dead ? store.ended : state === null ? store.tasks : tables[state];
  return table.all().map(({ key }) => key as string);
}

function lineOf({ store }: Core, id: string): TaskLine {
  const { task, assignment } = assigned(store, id);
  const position = positionOf(store, id);
  return {
    task: id,
    case: task.case,
    kind: task.kind,
    state: position.state,
    role: assignment.role,
    person: personOf(position),
    event: position.state === "ended" ? position.record.event : null,
    reason: position.state === "ended" ? position.record.reason : (assignment.handover?.reason ?? null),
    attempts: assignment.failures,
    created: task.created,
    updated: task.updated,
  };
}

function personOf(position: Position): string | null {
  if (position.state === "waiting") return position.record.person;
  return position.state === "leased" ? (position.record.click?.person ?? null) : null;
}

function show(core: Core, id: string): Shown {
  const { store } = core;
  const ended = store.ended.get(id);
  const first_step = nextStep(store, assigned(store, id).assignment.assignment);
  return {
    line: lineOf(core, id),
    document: documentOf(store, id, { first_step, click: null }),
    journal: callsOf(core, id),
    result: ended === undefined ? null : { text: ended.text, fields: ended.fields },
    unknown: unknownOf(store, id),
    shadow: shadowOf(store, id),
  };
}

/** What the agent did in shadow beside a person. */
function shadowOf(store: Store, id: string): Shown["shadow"] {
  const shadow = store.shadows.get(id);
  if (shadow === undefined) return null;
  const { role, state, run } = shadow;
  return { role, state, run: run === null ? null : { ...run, ending: endOf(run.ending) } };
}

/** The calls of all assignments of a task, oldest first. What is over the bound is left out from the oldest on, and counted. */
function callsOf({ store }: Core, id: string): Record<string, Json>[] {
  const shown: Record<string, Json>[] = [];
  let bytes = 0;
  let leftOut = 0;
  for (const { assignment, role } of assignmentsOf(store, id).reverse())
    for (const { key, value } of store.journal.under([assignment]).reverse()) {
      const call = callOf(role, (key as [string, number])[1], value);
      bytes += Buffer.byteLength(JSON.stringify(call));
      if (bytes > SHOWN_CALLS_BYTES_MAX) leftOut++;
      else shown.push(call);
    }
  return (leftOut === 0 ? shown : [...shown, { left_out: leftOut }]).reverse();
}

function callOf(role: string, step: number, { capability, arguments: given, at, outcome }: JournalEntry) {
  return { role, step, capability, arguments: given, at, ...ending(outcome) };
}

function ending(outcome: Outcome | null): Record<string, Json> {
  if (outcome === null) return { outcome: null };
  return outcome.end === "refused"
    ? { outcome: "refused", code: outcome.code, message: outcome.message }
    : { outcome: outcome.end };
}

/** The task's waiting record, when it waits for a person. */
function waitingForPerson(core: Core, id: string): (Waiting & { for: "human" }) | null {
  const position = positionOf(core.store, id);
  return position.state === "waiting" && position.record.for === "human" ? position.record : null;
}

function take(core: Core, id: string, person: string, roles: string[]): End<TaskLine> {
  if (!core.store.tasks.has(id)) return refused("TASK_UNKNOWN");
  const { task, assignment } = assigned(core.store, id);
  if (!roles.includes(assignment.role)) return refused("NOT_PERMITTED");
  const waiting = waitingForPerson(core, id);
  if (waiting === null) return refused("TASK_STATE", "The task does not wait for a person.");
  if (waiting.person !== null && waiting.person !== person)
    return refused("TASK_STATE", `The task is in the hands of ${waiting.person}.`);
  moveToWaiting(core.store, id, { ...waiting, person });
  const { assignment: name, role } = assignment;
  if (waiting.person === null) note(core, "take", { task: id, case: task.case, assignment: name, role, who: person });
  return done(lineOf(core, id));
}

/** What only the person who holds the task may do with it. */
function ifHeld(core: Core, id: string, person: string, act: () => End<null>): End<TaskLine> {
  if (!core.store.tasks.has(id)) return refused("TASK_UNKNOWN");
  if (waitingForPerson(core, id)?.person !== person)
    return refused("TASK_STATE", "Take the task first; it must be waiting for you.");
  const end = act();
  return end.end === "done" ? done(lineOf(core, id)) : end;
}

function finish(core: Core, id: string, person: string, text: string, fields: Fields): End<null> {
  const { task, assignment } = assigned(core.store, id);
  const { assignment: name, role } = assignment;
  note(core, "finish", { task: id, case: task.case, assignment: name, role, who: person });
  conclude(core, id, { how: "complete", text, fields }, person);
  return done(null);
}
