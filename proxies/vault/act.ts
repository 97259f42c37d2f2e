/**
 * One permitted call at its proxy, until the proxy has said how it ended.
 *
 * Contract: the proxy records every effect under the call's own key, so asking again is safe: it returns what was recorded, or acts if
 * nothing happened. A lost answer is therefore asked for again while the permit lives.
 * Failure: *later* when nobody answered in time. The intent stays open in the kernel: the same step, made again, is the same call under
 * a fresh permit, and what is never made again is decided by the kernel's settlement. UNKNOWN_OUTCOME only where the proxy says so.
 */
import { type End, later } from "../../kernel/abi/ends.ts";
import type { RequestOf, ValueOf, vaultToProxy } from "../../kernel/abi/messages.ts";
import type { Proxies } from "./peers.ts";

/** A proxy that is silent for so long has lost the call. */
export const ACT_MS = 10_000;
/** Pause before a lost call is asked for again. */
const AGAIN_MS = 50;

/** The result, and the proxy's proof that an effect happened. */
export type Acted = ValueOf<typeof vaultToProxy, "act">;
export type Clock = { now: () => number; sleep: (ms: number) => Promise<void> };

/** Acts at the permit's proxy. */
export async function act(
  proxies: Proxies,
  body: RequestOf<typeof vaultToProxy, "act">,
  clock: Clock,
): Promise<End<Acted>> {
  const proxy = proxies.get(body.permit.proxy);
  if (proxy === undefined) return later(`There is no proxy ${body.permit.proxy}.`);
  let asked = false;
  while (clock.now() < body.permit.expires) {
    const end = await proxy.request("act", body, ACT_MS);
    if (end.end === "done") return end;
    if (end.end === "refused") return expired(end);
    if (end.end === "later" && !asked) return end;
    asked = true;
    await clock.sleep(AGAIN_MS);
  }
  return later(`${body.permit.proxy} did not answer in time.`);
}

/** A permit that ran out says nothing about the call; a newer one does. */
function expired(end: End<never>): End<never> {
  return end.end === "refused" && end.code === "PERMIT_EXPIRED" ? later(end.message) : end;
}
