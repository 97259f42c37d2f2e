/** Permits as the kernel signs them, and calls as the vault sends them. */

import { PERMIT_MS } from "../../../kernel/abi/bounds.ts";
import { digest, type Json, type JsonObject } from "../../../kernel/abi/json.ts";
import { type Permit, type PermitTerms, signPermit } from "../../../kernel/abi/permit.ts";

export const KEY = Buffer.alloc(32, 7);

export type Terms = Partial<Omit<PermitTerms, "arguments">> & { capability: string };

/** A permit for these tokenised arguments. */
export function permitFor(proxy: string, terms: Terms, permitted: JsonObject, key: Uint8Array = KEY): Permit {
  return signPermit(
    {
      task: "task_0000000000000001",
      assignment: "asgn_0000000000000001",
      case: "case_0000000000000001",
      step: 1,
      epoch: 1,
      proxy,
      mode: "live",
      expires: Date.now() + PERMIT_MS,
      ...terms,
      arguments: digest(permitted as Json),
    },
    key,
  );
}

/** A whole `act`. `values` where they differ from the permitted arguments. */
export function actOf(
  proxy: string,
  terms: Terms,
  permitted: JsonObject,
  { values = permitted, customer = null }: { values?: JsonObject; customer?: string | null } = {},
) {
  return { permit: permitFor(proxy, terms, permitted), arguments: permitted, values, customer };
}
