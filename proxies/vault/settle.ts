/** `kernel -> vault: settle`: an intent without outcome is decided by its proxy, and its result becomes one a cell may see. */
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { kernelToVault, RequestOf, ValueOf } from "../../kernel/abi/messages.ts";
import type { Operation, Operations } from "../../kernel/abi/operations.ts";
import { isContactClass } from "../../kernel/abi/tokens.ts";
import { ACT_MS } from "./act.ts";
import { type Cases, type OpenCase, openHeld } from "./cases.ts";
import type { Proxies } from "./peers.ts";
import { showResult } from "./show.ts";
import { newDraft } from "./table.ts";

type Question = RequestOf<typeof kernelToVault, "settle">;
type Decision = ValueOf<typeof kernelToVault, "settle">;

export type Settling = { cases: Cases; operations: Operations; proxies: Proxies };

/** Ends as `outcome` would. UNKNOWN_OUTCOME: nobody can tell. *later*: the proxy is away, ask again. */
export async function settle({ cases, operations, proxies }: Settling, question: Question): Promise<End<Decision>> {
  const { permit } = question;
  const operation = operations.get(permit.capability);
  const proxy = proxies.get(permit.proxy);
  if (operation === undefined || proxy === undefined || permit.case !== question.case) return refused("PERMIT_INVALID");
  const held = openHeld(cases, question.case, question.sealed);
  if (held.end !== "done") return held;
  try {
    const end = await proxy.request("decide", { permit, arguments: question.arguments }, ACT_MS);
    if (end.end === "lost") return later(`${permit.proxy} did not answer.`);
    if (end.end !== "done") return end;
    if (end.value.decided === "void")
      return done({ decided: "void", value: null, table: null, proof: end.value.proof });
    const { result, proof } = end.value;
    return done({ ...happened(held.value, operation, question, result as Json), proof });
  } finally {
    cases.release(held.value);
  }
}

/** The kernel stores what is returned here in the transaction that decides; until it hands it back the entries stay open. */
function happened(
  open: OpenCase,
  operation: Operation,
  { permit, arguments: given }: Question,
  result: Json,
): Omit<Decision, "proof"> {
  const draft = newDraft();
  for (const [name, argument] of Object.entries(operation.arguments)) {
    if (argument.writes_contact && isContactClass(argument.class) && Object.hasOwn(given, name))
      open.table.markWritten(argument.class, draft);
  }
  const shown = showResult(operation, result, open, draft);
  const value = JSON.stringify(shown.end === "done" ? shown.value : null);
  return {
    decided: "happened",
    value: open.sealOutcome(permit.assignment ?? "", permit.step, value),
    table: open.sealDelta(draft)?.sealed ?? null,
  };
}
