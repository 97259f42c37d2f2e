/**
 * The gate of every acting proxy.
 *
 * Threat: whoever stands at the vault's edge wants an effect the kernel never allowed, or another than it allowed.
 * Contract: a `Call` comes out only for a permit of this proxy that the kernel signed, for these permitted arguments, which
 * the declaration allows, and for values that differ from them at tokens alone; for an effect only in mode live, whatever was signed.
 * Failure: the refusal, with the sentence for the log; nothing has been done.
 */
import { type CheckArguments, compileArguments } from "../../kernel/abi/arguments.ts";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import type { RequestOf, vaultToProxy } from "../../kernel/abi/messages.ts";
import type { Operation, Operations } from "../../kernel/abi/operations.ts";
import { checkPermit, idempotencyKey, type Permit, type PermitKey } from "../../kernel/abi/permit.ts";
import { changedArgument } from "./unchanged.ts";

export type Own = { capability: string; operation: Operation; check: CheckArguments };

/** One permitted call, ready to be decided. */
export type Intent = {
  capability: string;
  operation: Operation;
  /** Idempotency key: task, assignment, step. */
  key: string;
  epoch: number;
  case: string;
  /** Digest of the permitted arguments. */
  arguments: string;
  /** What was started under an epoch up to this one did not happen: a person has decided. 0: nobody has. */
  void_until: number;
};

/** One permitted call, ready to be acted: the arguments with their values, and the customer where the operation works on one. */
export type Call = Intent & { values: JsonObject; customer: string | null };

export type Admission = { proxy: string; operations: ReadonlyMap<string, Own>; key: PermitKey; now: () => number };

/** The operations this proxy does, their argument checks compiled. */
export function ownOperations(operations: Operations, proxy: string): ReadonlyMap<string, Own> {
  const own = [...operations].filter(([, operation]) => operation.proxy === proxy);
  return new Map(
    own.map(([capability, operation]) => [capability, { capability, operation, check: compileArguments(operation) }]),
  );
}

export function admitAct(body: RequestOf<typeof vaultToProxy, "act">, at: Admission): End<Call> {
  const intent = admitDecide(body, at);
  if (intent.end !== "done") return intent;
  const { operation } = intent.value;
  const changed = changedArgument(operation, body.arguments as JsonObject, body.values as JsonObject);
  if (changed !== undefined) return refused("PERMIT_INVALID", "An argument is not the one that was permitted.");
  if (operation.customer === "none")
    return done({ ...intent.value, values: body.values as JsonObject, customer: null });
  if (body.customer === null) return refused("CUSTOMER_REQUIRED");
  return done({ ...intent.value, values: body.values as JsonObject, customer: body.customer });
}

export function admitDecide(body: { permit: Permit; arguments: Record<string, unknown> }, at: Admission): End<Intent> {
  const { permit } = body;
  const permitted = body.arguments as Json;
  const { proxy, now } = at;
  const own = at.operations.get(permit.capability);
  if (own === undefined) return refused("PERMIT_INVALID", "This proxy does not do that operation.");
  const { capability } = own;
  const call = { proxy, capability, effect: own.operation.effect, arguments: permitted, now: now() };
  const checked = checkPermit(permit, call, at.key);
  if (checked.end !== "done") return checked;
  const declared = own.check(permitted);
  if (declared.end !== "done") return declared;
  return done({
    capability,
    operation: own.operation,
    key: idempotencyKey(permit),
    epoch: permit.epoch,
    case: permit.case,
    arguments: permit.arguments,
    void_until: permit.void_until ?? 0,
  });
}
