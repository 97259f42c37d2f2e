/**
 * Open effects of an assignment that was left for good: each is decided before anyone else gets the task.
 *
 * Contract: each is asked about under a new epoch, so that whatever a dead attempt still does comes too late. It happened (the reservation
 * stays), it never will (the reservation goes back), or nobody can tell (UNKNOWN_OUTCOME, in front of a human). Then the ending that was
 * held back takes effect. What the vault says of it counts with the proof of the proxy that decided, else nobody can tell.
 * Failure: a vault or proxy that is away leaves the task waiting; the same question is asked again.
 */
import type { JsonObject } from "./abi/json.ts";
import type { kernelToVault, RequestOf, ValueOf } from "./abi/messages.ts";
import { sealedOf } from "./cases.ts";
import { conclude } from "./conclude.ts";
import { assigned, type Core, mustGet, note } from "./core.ts";
import { close, openSteps, recorded, renew, voided } from "./journal.ts";
import { provenEffect, type Verdict, withRoom } from "./outcome.ts";
import { permit } from "./permits.ts";
import { positionOf } from "./queue.ts";

/** What the vault is asked, and where its answer belongs. */
export type Question = { step: number; epoch: number; body: RequestOf<typeof kernelToVault, "settle"> };
export type Answer = Settled | "unknown";
type Settled = ValueOf<typeof kernelToVault, "settle">;

/** Tasks that wait for a decision. */
export function undecided(core: Core): string[] {
  return core.store.waiting
    .all()
    .filter(({ value }) => value.for === "decision")
    .map(({ key }) => key as string);
}

/**
 * The next open effect of a task, to be asked about, inside a transaction. Null when there is none: the ending has taken effect (or the
 * task waits for no decision).
 */
export function askNext(core: Core, id: string): Question | null {
  const position = positionOf(core.store, id);
  if (position.state !== "waiting" || position.record.for !== "decision") return null;
  const { task, assignment } = assigned(core.store, id);
  const [step] = openSteps(core.store, assignment.assignment);
  if (step !== undefined) return ask(core, id, step);
  conclude(core, task.task, position.record.ending, position.record.person);
  return null;
}

function ask(core: Core, id: string, step: number): Question {
  const { task, assignment } = assigned(core.store, id);
  const place = { task: id, assignment: assignment.assignment, step };
  const epoch = assignment.epoch + 1;
  const before = mustGet(recorded(core.store, place), `${place.assignment}/${step}`);
  const entry = renew(core.store, place, before, epoch, core.now());
  core.store.assignments.put(assignment.assignment, { ...assignment, epoch });
  const { capability, digest } = entry;
  note(core, "decide", { ...place, case: task.case, role: assignment.role, epoch, capability, arguments: digest });
  const terms = {
    ...place,
    case: task.case,
    epoch,
    proxy: entry.proxy,
    capability,
    arguments: digest,
    mode: "live" as const,
    ...voided(entry),
  };
  const body = { case: task.case, sealed: sealedOf(core.store, task.case), permit: permit(core, terms) };
  return { step, epoch, body: { ...body, arguments: entry.arguments as JsonObject } };
}

/** Records what was decided, inside a transaction. An answer to an older question changes nothing. */
export function decided(core: Core, id: string, { step, epoch }: Question, given: Answer): void {
  const { task, case: matter, assignment } = assigned(core.store, id);
  const place = { task: id, assignment: assignment.assignment, step };
  const entry = recorded(core.store, place);
  if (entry === undefined || entry.outcome !== null || entry.epoch !== epoch) return;
  const isLie = given !== "unknown" && provenEffect(core, place, entry, given.proof) !== given.decided;
  const answer = isLie ? "unknown" : given;
  const table = answer === "unknown" ? null : answer.table;
  const { outcome, kept } = withRoom(core, matter, entry, table, verdictOf(answer));
  const ledger = close(core.store, place, entry, outcome, kept);
  if (outcome.end === "unknown" && !assignment.human)
    core.store.assignments.put(assignment.assignment, { ...assignment, fault: "UNKNOWN_OUTCOME" });
  const { capability, digest } = entry;
  note(core, "outcome", {
    ...place,
    case: task.case,
    role: assignment.role,
    epoch,
    capability,
    arguments: digest,
    outcome: outcome.end,
    ...(isLie && { code: "END_UNPROVEN" }),
    ...(ledger.length > 0 && { ledger }),
  });
}

function verdictOf(answer: Answer): Verdict {
  if (answer === "unknown") return { outcome: { end: "unknown" }, kept: true };
  if (answer.decided === "void") return { outcome: { end: "void" }, kept: false };
  return { outcome: { end: "done", value: answer.value }, kept: true };
}
