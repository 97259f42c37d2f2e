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
import { LOGGED_FIELDS_MAX, LOGGED_TOKENS_MAX } from "../../kernel/abi/bounds.ts";
import { done, type End, later, type Refused, refused } from "../../kernel/abi/ends.ts";
import { digest, type Json, type JsonObject } from "../../kernel/abi/json.ts";
import type { doorToVault, RequestOf, ValueOf, vaultToKernel, vaultToProxy } from "../../kernel/abi/messages.ts";
import type { Operation, Operations } from "../../kernel/abi/operations.ts";
import type { Permit } from "../../kernel/abi/permit.ts";
import { refusalCodes } from "../../kernel/abi/refusals.ts";
import { ACT_MS, type Acted, act, type Clock } from "./act.ts";
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
type Decided = ValueOf<typeof vaultToProxy, "decide">;
/** A call whose permit fits its cell. */
type Permitted = { binding: Binding; operation: Operation; permit: Permit; arguments: JsonObject };
/** How a call went, the proxy's proof of it, and what must be remembered. */
type Went = { end: Exclude<End<Json>, { end: "later" }>; proof: string | null; draft: Draft; fields: string[] };

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
async function perform(calling: Calling, permitted: Permitted): Promise<Went | null> {
  const { operation, permit, arguments: given } = permitted;
  const { open } = permitted.binding;
  const draft = newDraft();
  const hydrated = hydrateCall(permitted, draft);
  if (hydrated.end === "later") return null;
  const { values, fields } = hydrated.end === "done" ? hydrated.value : { values: {}, fields: [] };
  const customer = operation.customer === "required" ? (open.table.customer?.id ?? null) : null;
  const acted =
    hydrated.end === "done"
      ? await act(calling.proxies, { permit, arguments: given, values, customer }, calling.clock)
      : hydrated;
  if (acted.end === "done") return showActed(permitted, acted.value, draft, fields);
  if (acted.end === "later") return null;
  const refusal = hydrated.end === "done" ? refused(acted.code, ownWords(acted, open.table)) : acted;
  const decided = await neverActed(calling, permitted, refusal);
  if (decided.end === "later") return null;
  if (decided.end === "refused") return { end: decided, proof: null, draft, fields };
  const { decided: end, result, proof } = decided.value;
  if (end === "void") return { end: refusal, proof, draft, fields };
  return showActed(permitted, { result, proof }, draft, fields);
}

function hydrateCall({ binding: { open }, operation, arguments: given }: Permitted, draft: Draft) {
  if (operation.customer === "required" && open.table.customer === null) return refused("CUSTOMER_REQUIRED");
  return hydrate(operation, given, open.table, draft, (text) => open.sealValue(text));
}

/** What the cell may see of what was done; null: that cannot be said yet. */
function showActed(
  { binding: { open }, operation }: Permitted,
  { result, proof }: Acted,
  draft: Draft,
  fields: string[],
): Went | null {
  const shown = showResult(operation, result as Json, open, draft);
  if (shown.end === "later") return null;
  return {
    end: shown,
    proof,
    draft,
    fields: shown.end === "done" ? [...fields, ...personalFields(operation)] : fields,
  };
}

/**
 * A refusal gives the reservation back, so of an effect the proxy first commits that it never happened, and proves it. It may have: the first
 * answer was lost, and what let it in then does not now.
 */
async function neverActed(
  { proxies }: Calling,
  { operation, permit, arguments: given }: Permitted,
  refusal: Refused,
): Promise<End<Decided>> {
  if (operation.effect === "read") return done({ decided: "void", result: null, proof: null });
  if (refusal.code === "UNKNOWN_OUTCOME") return refusal;
  const proxy = proxies.get(permit.proxy);
  const end = await proxy?.request("decide", { permit, arguments: given }, ACT_MS);
  if (end === undefined || end.end === "lost") return later(`${permit.proxy} did not answer.`);
  if (end.end === "refused" && end.code === "PERMIT_EXPIRED") return later(end.message);
  return end.end === "refused" && end.code !== "UNKNOWN_OUTCOME" ? refusal : end;
}

/** Tells the kernel how the call went; only then may the cell know. */
async function report(
  calling: Calling,
  { binding, permit }: Permitted,
  { end, proof, draft, fields }: Went,
): Promise<Answer> {
  const { open, task, assignment, epoch } = binding;
  const kept = open.sealDelta(draft);
  const body: Report = {
    ...{ task, assignment, epoch, step: permit.step },
    ...reportedEnd(end, (text) => open.sealOutcome(assignment, permit.step, text)),
    proof,
    table: kept?.sealed ?? null,
    tokens: [...draft.tokens].slice(0, LOGGED_TOKENS_MAX),
    fields: fields.slice(0, LOGGED_FIELDS_MAX),
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
