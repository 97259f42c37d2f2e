/** Permits, made by the kernel with the key it shares with the one proxy that does the operation. */
import { PERMIT_MS } from "./abi/bounds.ts";
import { type Permit, type PermitTerms, signPermit } from "./abi/permit.ts";
import { type Core, mustGet } from "./core.ts";

/** A permit that expires PERMIT_MS from now. Throws when the proxy has no key: operations and credentials disagree. */
export function permit(core: Core, terms: Omit<PermitTerms, "expires">): Permit {
  const key = mustGet(core.permitKeys.get(terms.proxy), `permit-${terms.proxy}`);
  return signPermit({ ...terms, expires: core.now() + PERMIT_MS }, key);
}
