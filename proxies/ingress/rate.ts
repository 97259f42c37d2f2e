/** How fast each frontend may ask, so that one that runs wild leaves room for the others: a bucket that holds one second's requests and fills at that rate. */

/** Requests a second of one frontend. */
export const REQUESTS_PER_SECOND_MAX = 5000;

type Bucket = { left: number; at: number };

/** Says whether `frontend` may make one more request at `now` (ms). */
export type Allow = (frontend: string, now: number) => boolean;

export function openRate(perSecond = REQUESTS_PER_SECOND_MAX): Allow {
  const buckets = new Map<string, Bucket>();
  return (frontend, now) => {
    const { left, at } = buckets.get(frontend) ?? { left: perSecond, at: now };
    const filled = Math.min(perSecond, left + (Math.max(0, now - at) / 1000) * perSecond);
    const isAllowed = filled >= 1;
    buckets.set(frontend, { left: isAllowed ? filled - 1 : filled, at: now });
    return isAllowed;
  };
}
