/**
 * One permit is for one customer.
 *
 * Threat: a vault that has been taken over uses the kernel's yes to one read for everybody's records: whom a case is about only the vault knows.
 * Contract: while a permit lives it works for the customer it was first used for and for no other, so that each customer costs an entry of
 * the log.
 * Failure: PERMIT_INVALID. What is remembered goes when the permit has expired, and with the process.
 */
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Permit } from "../../kernel/abi/permit.ts";

type Use = { customer: string | null; expires: number };

export class OneCustomer {
  /** By the permit's code, in the order they came. */
  readonly #uses = new Map<string, Use>();

  /** Permits that are remembered. */
  get size(): number {
    return this.#uses.size;
  }

  /** Whether a permit that is in order may be used for `customer` at `now` (ms). */
  admit({ mac, expires }: Permit, customer: string | null, now: number): End<null> {
    this.#forget(now);
    const known = this.#uses.get(mac);
    if (known === undefined) this.#uses.set(mac, { customer, expires });
    else if (known.customer !== customer) return refused("PERMIT_INVALID", "The permit was used for another customer.");
    return done(null);
  }

  /** The oldest are looked at: they live no longer than a permit after those behind them. */
  #forget(now: number): void {
    for (const [mac, { expires }] of this.#uses) {
      if (expires > now) return;
      this.#uses.delete(mac);
    }
  }
}
