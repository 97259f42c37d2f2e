/**
 * `door -> vault: call`: one permitted call, from tokens to values and back.
 *
 * Threat: a door that has been taken over sends a permit of another call, another cell's permit, or a recorded outcome of another step.
 * Contract: case, customer and attempt come from the kernel's bind of this cell. A value reaches a proxy only for the call the permit
 * names; a token reaches the cell only after the kernel has accepted the outcome that carries its table entry. One step is in hand once.
 * An effect is called refused only when its proxy has committed that it never happened.
 * Failure: what was refused after the permit is reported to the kernel before the cell hears of it. A kernel or proxy that did not
 * answer: *later*, the step is made again.
 */
import { done, type End, later, type Refused, refused } from "../../kernel/abi/ends.ts";
import { digest, type Json, type JsonObject } from "../../kernel/abi/json.ts";
import type { doorToVault, RequestOf, ValueOf, vaultToKernel } from "../../kernel/abi/messages.ts";
import type { Operation, Operations } from "../../kernel/abi/operations.ts";
import type { Permit } from "../../kernel/abi/permit.ts";
import { refusalCodes } from "../../kernel/abi/refusals.ts";
import { ACT_MS, act, type Clock } from "./act.ts";
import type { Binding, Bindings } from "./bindings.ts";
import type { Cases } from "./cases.ts";
import { hydrate } from "./hydrate.ts";
import type { Kernel, Proxies } from "./peers.ts";
import { personalFields, showResult, standInOf } from "./show.ts";
import { sweep } from "./sweep.ts";
import { type Draft, newDraft, type Table, TableFull } from "./table.ts";

export type Calling = {
  cases: Cases;
  bindings: Bindings;
  operations: Operations;
  kernel: Kernel;
  proxies: Proxies;
  clock: Clock;
};

type Call = RequestOf<typeof doorToVault, "call">;
type Answer = End<ValueOf<typeof doorToVault, "call">>;
type Report = RequestOf<typeof vaultToKernel, "outcome">;
/** A call whose permit fits its cell. */
type Permitted = { binding: Binding; operation: Operation; permit: Permit; arguments: JsonObject };
/** How a call went, and what must be remembered of it. */
type Went = { end: Exclude<End<Json>, { end: "later" }>; draft: Draft; fields: string[] };

/** Names that fit into one report (messages.ts, FieldNames). */
const REPORTED_NAMES_MAX = 1024;
const MESSAGE_CHARS_MAX = 1000;

/** Answers calls; the same step twice at once is one call. */
export function openCalls(calling: Calling): (call: Call) => Promise<Answer> {
  const inHand = new Map<string, Promise<Answer>>();
  return (call) => {
    const binding = calling.bindings.get(call.cell);
    if (binding === undefined) return Promise.resolve(later("The cell is not bound."));
    if (call.replay !== null) return replay(calling, call, binding, call.replay);
    if (call.stand_in) return Promise.resolve(standIn(calling, call));
    const key = `${binding.assignment}/${binding.epoch}/${call.step}/${digest(call.arguments as JsonObject)}`;
    const joined = inHand.get(key);
    if (joined !== undefined) return joined;
    const answer = once(calling, call, binding).finally(() => inHand.delete(key));
    inHand.set(key, answer);
    return answer;
  };
}

async function replay(calling: Calling, call: Call, { open, assignment }: Binding, sealed: string): Promise<Answer> {
  const text = open.openOutcome(assignment, call.step, sealed);
  if (text !== undefined) return done({ value: JSON.parse(text) as Json });
  return found(
    calling,
    call,
    refused("REPLAY_DIVERGED", "The recorded outcome is not one of this step."),
    "vault: replay",
  );
}

/** Nothing is done and nothing told: what the declaration says for everybody. */
function standIn({ operations }: Calling, { capability }: Call): Answer {
  const operation = operations.get(capability);
  return operation === undefined ? refused("CAPABILITY_UNKNOWN") : done({ value: standInOf(operation) });
}

async function once(calling: Calling, call: Call, binding: Binding): Promise<Answer> {
  const permitted = permittedCall(calling, call, binding);
  if (permitted.end !== "done") return found(calling, call, permitted, "vault: permit");
  const held = calling.cases.hold(binding.open.id); // the cell may end before its call does
  if (held === undefined) return refused("EPOCH_STALE", "The case has been closed.");
  try {
    const went = await perform(calling, permitted.value);
    if (went === null) return later("The call is not finished; make the same step again.");
    return await report(calling, permitted.value, went);
  } finally {
    calling.cases.release(held);
  }
}

/** The permit is the kernel's yes to exactly this call of this cell; its proxy checks the MAC. */
function permittedCall(
  { operations }: Calling,
  call: Call,
  binding: Binding,
): (End<Permitted> & { end: "done" }) | Refused {
  const { permit } = call;
  const given = call.arguments as JsonObject;
  const operation = operations.get(call.capability);
  if (operation === undefined || operation.caller === "vault") return refused("CAPABILITY_UNKNOWN");
  const fits =
    permit !== null &&
    permit.task === binding.task &&
    permit.assignment === binding.assignment &&
    permit.case === binding.open.id &&
    permit.epoch === binding.epoch &&
    permit.mode === binding.mode &&
    permit.step === call.step &&
    permit.capability === call.capability &&
    permit.proxy === operation.proxy &&
    permit.arguments === digest(given);
  return fits ? { end: "done", value: { binding, operation, permit, arguments: given } } : refused("PERMIT_INVALID");
}

/** Null: nobody can say yet. */
async function perform(
  calling: Calling,
  { binding, operation, permit, arguments: given }: Permitted,
): Promise<Went | null> {
  const { table } = binding.open;
  const draft = newDraft();
  if (operation.customer === "required" && table.customer === null)
    return { end: refused("CUSTOMER_REQUIRED"), draft, fields: [] };
  const hydrated = hydrate(operation, given, table, draft, (text) => binding.open.sealValue(text));
  if (hydrated.end === "later") return null;
  if (hydrated.end === "refused") {
    const end = await neverActed(calling, { operation, permit, arguments: given }, hydrated);
    if (end.end === "later") return null;
    const shown = end.end === "done" ? showResult(operation, end.value, binding.open, draft) : end;
    return shown.end === "later" ? null : { end: shown, draft, fields: [] };
  }
  const { values, fields } = hydrated.value;
  const customer = operation.customer === "required" ? (table.customer?.id ?? null) : null;
  const acted = await act(calling.proxies, { permit, arguments: given, values, customer }, calling.clock);
  if (acted.end === "later") return null;
  if (acted.end === "refused") return { end: refused(acted.code, ownWords(acted, table)), draft, fields };
  const shown = showResult(operation, acted.value, binding.open, draft);
  return shown.end === "later" ? null : { end: shown, draft, fields: [...fields, ...personalFields(operation)] };
}

/**
 * What the vault refuses it may have let through before: the first answer was lost, and meanwhile another call wrote the contact. A refusal
 * gives the reservation back, so the proxy commits first that the effect never happened. *done*: it did, with its recorded result.
 */
async function neverActed(
  { proxies }: Calling,
  { operation, permit, arguments: given }: Omit<Permitted, "binding">,
  refusal: Refused,
): Promise<End<Json>> {
  if (operation.effect === "read") return refusal;
  const proxy = proxies.get(permit.proxy);
  const end = await proxy?.request("decide", { permit, arguments: given }, ACT_MS);
  if (end === undefined || end.end === "lost" || end.end === "later") return later(`${permit.proxy} did not answer.`);
  if (end.end === "done") return end.value.decided === "happened" ? done(end.value.result as Json) : refusal;
  if (end.code === "PERMIT_EXPIRED") return later(end.message);
  return end.code === "UNKNOWN_OUTCOME" ? end : refusal; // any other: the proxy would not have let it in either
}

/** Tells the kernel how the call went; only then may the cell know. */
async function report(calling: Calling, { binding, permit }: Permitted, { end, draft, fields }: Went): Promise<Answer> {
  const { open, task, assignment, epoch } = binding;
  const kept = open.sealDelta(draft);
  const body: Report = {
    ...{ task, assignment, epoch, step: permit.step },
    ...reportedEnd(end, (text) => open.sealOutcome(assignment, permit.step, text)),
    table: kept?.sealed ?? null,
    tokens: [...draft.tokens].slice(0, REPORTED_NAMES_MAX),
    fields: fields.slice(0, REPORTED_NAMES_MAX),
  };
  const accepted = await calling.kernel.request("outcome", body);
  if (accepted.end === "refused") return accepted;
  if (accepted.end !== "done") return later("The kernel has not recorded the call; make the same step again.");
  open.accepted(kept);
  return end.end === "done" ? done({ value: end.value }) : end;
}

function reportedEnd(
  end: Went["end"],
  sealOutcome: (text: string) => string,
): Pick<Report, "end" | "code" | "message" | "value"> {
  if (end.end === "done")
    return { end: "done", code: null, message: null, value: sealOutcome(JSON.stringify(end.value)) };
  const unknown = end.code === "UNKNOWN_OUTCOME";
  return { end: unknown ? "unknown" : "refused", code: end.code, message: end.message, value: null };
}

/** A sentence of a proxy, unless something personal slipped into it. */
function ownWords({ code, message }: Refused, table: Table): string {
  const sentence = message.slice(0, MESSAGE_CHARS_MAX);
  try {
    return sweep(sentence, table, newDraft()) === sentence ? sentence : refusalCodes[code];
  } catch (error) {
    if (!(error instanceof TableFull)) throw error;
    return refusalCodes[code];
  }
}

/** A refusal of the vault's own, without a permit to report on: the kernel writes it down first. */
async function found({ kernel }: Calling, call: Call, end: Refused, detail: string): Promise<Answer> {
  const finding = { cell: call.cell, code: end.code, capability: call.capability, step: call.step, detail };
  const noted = await kernel.request("finding", { finding });
  return noted.end === "done" ? end : later("The kernel has not recorded the refusal.");
}
