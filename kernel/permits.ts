/** Permits, made by the kernel with the key it shares with the one proxy that does the operation. */
import { PERMIT_MS } from "./abi/bounds.ts";
import { performs } from "./abi/modes.ts";
import { type Permit, type PermitTerms, signPermit } from "./abi/permit.ts";
import { type Core, mustGet } from "./core.ts";

/**
 * A permit that expires PERMIT_MS from now. Throws when the proxy has no key (operations and credentials disagree), and for what a run of that
 * mode does not perform: whoever decided so has a defect, and nothing is signed.
 */
export function permit(core: Core, terms: Omit<PermitTerms, "expires">): Permit {
  const effect = core.operations.get(terms.capability)?.effect ?? "write";
  if (!performs(terms.mode, effect)) throw new Error(`${terms.capability} is not performed in mode ${terms.mode}.`);
  const key = mustGet(core.permitKeys.get(terms.proxy), `permit-${terms.proxy}`);
  return signPermit({ ...terms, expires: core.now() + PERMIT_MS }, key);
}
