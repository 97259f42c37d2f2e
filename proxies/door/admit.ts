/**
 * Whether a call may go on to the kernel. Pure: both keys have been verified, everything else is handed in.
 *
 * Threat: a cell shows keys of another cell, task, attempt or role, or an older base key that allowed more, mixes the two keys of
 * different tasks, asks for what its role may not do, for the vault's own operations, or with arguments nobody declared.
 * Contract: `done` only when both keys are in force, the task key says exactly what the kernel bound to this slot, the base key is the one
 * bound with it and of that role and bundle, and the capability is declared, for agents, granted, possible in this case, and called as declared.
 * Failure: KEY_EXPIRED, KEY_MISMATCH, CAPABILITY_UNKNOWN, CAPABILITY_NOT_GRANTED, CUSTOMER_REQUIRED, ARGUMENT_INVALID.
 */
import type { CheckArguments } from "../../kernel/abi/arguments.ts";
import type { BaseClaims, TaskClaims } from "../../kernel/abi/claims.ts";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import type { Operation } from "../../kernel/abi/operations.ts";

/** One declared operation and the compiled check of its arguments. */
export type Rule = { readonly operation: Operation; readonly check: CheckArguments };

export type Keys = { readonly base: BaseClaims; readonly task: TaskClaims };

/** Where a task key must agree with the one the kernel bound: everywhere but in its own id and times. */
const BOUND = [
  "sub",
  "task",
  "case",
  "assignment",
  "customer",
  "event",
  "role",
  "bundle",
  "cell",
  "epoch",
  "mode",
] as const satisfies readonly (keyof TaskClaims)[];

/** `bound`: what the kernel bound to this slot; undefined when it has bound nothing, or no longer. `now` in ms. */
export function admitKeys(keys: Keys, bound: Keys | undefined, now: number): End<Keys> {
  const { base, task } = keys;
  if (now >= base.exp * 1000 || now >= task.exp * 1000) return refused("KEY_EXPIRED");
  if (bound === undefined || base.jti !== bound.base.jti) return refused("KEY_MISMATCH");
  if (!BOUND.every((name) => task[name] === bound.task[name])) return refused("KEY_MISMATCH");
  if (base.role !== task.role || !base.bundles.includes(task.bundle)) return refused("KEY_MISMATCH");
  return done(keys);
}

/** `rule`: that of `capability`, undefined when nobody declared it. */
export function admitCall(
  keys: Keys,
  rule: Rule | undefined,
  call: { capability: string; arguments: Json },
): End<JsonObject> {
  if (rule === undefined || rule.operation.caller === "vault") return refused("CAPABILITY_UNKNOWN");
  if (!Object.hasOwn(keys.base.capabilities, call.capability)) return refused("CAPABILITY_NOT_GRANTED");
  if (rule.operation.customer === "required" && keys.task.customer === null) return refused("CUSTOMER_REQUIRED");
  return rule.check(call.arguments);
}
