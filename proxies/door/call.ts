/** `call`: keys, capability and arguments here, then the kernel's yes, then the vault. */
import { done, type End } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { doorToKernel, RequestOf } from "../../kernel/abi/messages.ts";
import type { Lost } from "../../kernel/process/connect.ts";
import { type Exchange, readAs } from "../../kernel/process/http.ts";
import { admitCall } from "./admit.ts";
import { checkCall } from "./bodies.ts";
import { answerOf, type Decision } from "./decision.ts";
import type { Door } from "./door.ts";
import { readKeys } from "./keys.ts";
import type { Occupant } from "./slot.ts";

type Intent = RequestOf<typeof doorToKernel, "intend">;

/** The kernel answers within this, or the cell asks again. */
const INTEND_MS = 10_000;
/** A permit's life (PERMIT_MS) and what the vault needs round it. */
const VAULT_MS = 40_000;

export async function call(door: Door, occupant: Occupant, exchange: Exchange): Promise<Decision> {
  const body = await readAs(exchange, checkCall);
  if (body.end !== "done") return { end: body };
  const { step, capability } = body.value;
  const rule = door.rules.get(capability);
  const asked = rule === undefined ? { step } : { step, capability };
  const keys = await readKeys(door, occupant, exchange);
  if (keys.end !== "done") return { end: keys, ...asked };
  const call = { capability, arguments: body.value.arguments as Json };
  const admitted = admitCall(keys.value, rule, call);
  if (admitted.end !== "done") return { end: admitted, ...asked };
  const { cell, assignment, epoch } = keys.value.task;
  const intent = { cell, assignment, epoch, step, capability, arguments: admitted.value };
  return { end: done(async () => answerOf(await perform(door, intent))), ...asked };
}

/** The kernel has it durable before the vault hears of it. */
async function perform(door: Door, intent: Intent): Promise<End<Json> | Lost> {
  const { cell, step, capability } = intent;
  const intended = await door.kernel.request("intend", intent, INTEND_MS);
  if (intended.end !== "done") return intended;
  const request = { cell, step, capability, arguments: intent.arguments, ...intended.value };
  const called = await door.vault.request("call", request, VAULT_MS);
  return called.end === "done" ? done(called.value.value as Json) : called;
}
