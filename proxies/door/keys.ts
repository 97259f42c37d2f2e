/** The two keys of a request, verified, and held against what the kernel bound to the slot they came in on. */
import { type End, later, refused } from "../../kernel/abi/ends.ts";
import type { Exchange } from "../../kernel/process/http.ts";
import { admitKeys, type Keys } from "./admit.ts";
import type { Door } from "./door.ts";
import type { KeyCache } from "./key-cache.ts";
import type { Occupant } from "./slot.ts";

const BEARER = "Bearer ";

/** What the door knows that keys are verified with. */
type Known = Pick<Door, "keys" | "now">;

/** KEY_INVALID, KEY_EXPIRED, KEY_MISMATCH. */
export async function readKeys(
  door: Known,
  occupant: Pick<Occupant, "verified" | "bound">,
  exchange: Pick<Exchange, "header">,
): Promise<End<Keys>> {
  const authorization = exchange.header("authorization");
  const taskKey = exchange.header("silo-task-key");
  if (!authorization?.startsWith(BEARER) || taskKey === undefined)
    return refused(
      "KEY_INVALID",
      "Both keys must come along: Authorization: Bearer BASE_KEY, Silo-Task-Key: TASK_KEY.",
    );
  const keys = await verifyKeys(door, occupant.verified, authorization.slice(BEARER.length), taskKey);
  return keys.end === "done" ? admitKeys(keys.value, occupant.bound?.keys, door.now()) : keys;
}

/** Whether the kernel signed both, and when. */
export async function verifyKeys(
  { keys, now }: Known,
  verified: KeyCache,
  baseKey: string,
  taskKey: string,
): Promise<End<Keys>> {
  if (keys === undefined) return later("The door does not know the kernel's keys yet.");
  const [base, task] = await Promise.all([
    verified.verifyBase(baseKey, keys, now()),
    verified.verifyTask(taskKey, keys, now()),
  ]);
  if (base.end !== "done") return base;
  if (task.end !== "done") return task;
  return { end: "done", value: { base: base.value, task: task.value } };
}
