/**
 * The customer of a submission: does it exist, and which of its values must never reach a cell? Asked with an operation of the vault's own
 * (`caller: vault`), permitted and logged by the kernel like any other.
 */
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import { newId } from "../../kernel/abi/ids.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { Operations } from "../../kernel/abi/operations.ts";
import { act, type Clock } from "./act.ts";
import type { RandomBytes } from "./case-seal.ts";
import type { OpenCase } from "./cases.ts";
import type { Kernel, Proxies } from "./peers.ts";
import type { Draft } from "./table.ts";
import { tokeniseResult } from "./tokenise.ts";

const KNOWN = "customer:known";

export type Asking = { kernel: Kernel; proxies: Proxies; operations: Operations; clock: Clock; random: RandomBytes };

/** Puts the customer's known values into the case's table. CUSTOMER_UNKNOWN where there is no such customer. Throws `TableFull`. */
export async function learnCustomer(
  asking: Asking,
  open: OpenCase,
  customer: string,
  draft: Draft,
): Promise<End<null>> {
  const operation = asking.operations.get(KNOWN);
  if (operation?.caller !== "vault")
    return refused("CUSTOMER_UNKNOWN", `No operation ${KNOWN} for the vault is declared.`);
  const lookup = newId("look", asking.random);
  const permitted = await asking.kernel.request("lookup", { lookup, case: open.id, capability: KNOWN, arguments: {} });
  if (permitted.end === "lost") return later("kernel did not answer.");
  if (permitted.end !== "done") return permitted;
  const { permit } = permitted.value;
  const found = await act(asking.proxies, { permit, arguments: {}, values: {}, customer }, asking.clock);
  if (found.end === "refused" && found.code === "NOT_FOUND") return refused("CUSTOMER_UNKNOWN");
  if (found.end !== "done") return found;
  const declared = { ...operation.result, rows: "maybe" as const };
  const shown = tokeniseResult(declared, found.value.result as Json, open.table, draft, () => undefined);
  return shown === null || shown === undefined ? refused("CUSTOMER_UNKNOWN") : done(null);
}
