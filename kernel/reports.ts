/** What the door and the vault tell the kernel for the log, and the vault's own look-ups. Inside a transaction each. */
import { STEPS_MAX } from "./abi/bounds.ts";
import { done, type End, refused } from "./abi/ends.ts";
import type { Entry } from "./abi/entry.ts";
import { digest, type JsonObject } from "./abi/json.ts";
import type { doorToKernel, RequestOf, ValueOf, vaultToKernel } from "./abi/messages.ts";
import { type Core, mustGet, note } from "./core.ts";
import { permit } from "./permits.ts";
import { leaseOfCell } from "./queue.ts";

type Finding = RequestOf<typeof doorToKernel, "finding">["finding"];
type Lookup = RequestOf<typeof vaultToKernel, "lookup">;

/**
 * A refusal or violation somebody else decided. Only its code, and names that are ours, enter the log: the capability a cell asked for and the
 * detail are not taken over.
 */
export function finding(core: Core, { cell, code, capability, step }: Finding): End<Record<string, never>> {
  const known = capability !== null && core.operations.has(capability);
  note(core, "finding", {
    ...(cell !== null && { cell, ...attemptOf(core, cell) }),
    ...(known && { capability }),
    ...(step !== null && step >= 1 && step <= STEPS_MAX && { step }),
    code,
    decision: "refused",
  });
  return done({});
}

function attemptOf(core: Core, cell: string): Partial<Entry> {
  const found = leaseOfCell(core.store, cell);
  if (found === undefined) return {};
  const { assignment, epoch } = found.lease;
  const task = mustGet(core.store.tasks.get(found.task), found.task);
  const { role } = mustGet(core.store.assignments.get(assignment), assignment);
  return { task: found.task, case: task.case, assignment, epoch, role };
}

/** A permit for an operation that only the vault calls. */
export function lookup(core: Core, body: Lookup): End<ValueOf<typeof vaultToKernel, "lookup">> {
  const operation = core.operations.get(body.capability);
  if (operation?.caller !== "vault") return refused("CAPABILITY_NOT_GRANTED");
  const { capability, case: matter } = body;
  const checked = mustGet(core.checks.get(capability), capability)(body.arguments as JsonObject);
  if (checked.end !== "done") return checked;
  const argumentsDigest = digest(checked.value);
  note(core, "lookup", {
    task: body.lookup,
    case: matter,
    capability,
    arguments: argumentsDigest,
    decision: "allowed",
  });
  const place = { task: body.lookup, assignment: null, case: matter, step: 1, epoch: 1 };
  return done({
    permit: permit(core, { ...place, proxy: operation.proxy, capability, arguments: argumentsDigest, mode: "live" }),
  });
}
