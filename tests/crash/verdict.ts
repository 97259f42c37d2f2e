/** What must be true of a task after whatever was killed. */
import type { Ended } from "./frontend.ts";
import type { Effects } from "./jobs.ts";

/** Exit status of a run in which a promise was broken. */
export const BROKEN = 2;

export type Came = Ended & Effects & { deliveries: number };

export function isUnknown({ end }: Came): boolean {
  return end.includes("UNKNOWN_OUTCOME");
}

/** Something of it happened twice, or one answer came under two ids. */
export function isDoubled({ refunds, emails, sms, notes, deliveries }: Came): boolean {
  return [refunds, emails, sms, notes ?? 0, deliveries].some((times) => times > 1);
}

/** It did not end, it ended in a way nobody asked for, or it was completed and something of it is missing. */
export function isLost(came: Came): boolean {
  const { end, refunds, emails, sms, notes, deliveries } = came;
  if (isUnknown(came)) return false;
  return end !== "Completed" || [refunds, emails, sms, notes, deliveries].some((times) => times !== 1);
}
