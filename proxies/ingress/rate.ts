/** How often a frontend may ask: a token bucket each, so that one that runs wild leaves room for the others. */

/** Requests a second, and how many at once after a rest. */
export const REQUESTS_PER_SECOND_MAX = 5000;

export type Rate = {
  /** Whether `name` may ask now; counts the request when it may. */
  admit(name: string): boolean;
};

/** `now` in milliseconds. Names are those of known frontends: their number bounds the buckets. */
export function openRate(perSecond: number, now: () => number): Rate {
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    admit(name) {
      const at = now();
      const bucket = buckets.get(name) ?? { left: perSecond, at };
      const left = Math.min(perSecond, bucket.left + ((at - bucket.at) / 1000) * perSecond);
      const admitted = left >= 1;
      buckets.set(name, { left: admitted ? left - 1 : left, at });
      return admitted;
    },
  };
}
