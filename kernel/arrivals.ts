/** How much arrives for each role, with the past forgotten gradually: what the pool is sized by. In memory alone. */

/** After so long an arrival counts for a third (1/e). */
const MEMORY_MS = 60_000;

export type Arrivals = {
  note(role: string, now: number): void;
  /** Arrivals a second. */
  rate(role: string, now: number): number;
};

export function openArrivals(): Arrivals {
  const seen = new Map<string, { count: number; at: number }>();
  const count = (role: string, now: number): number => {
    const last = seen.get(role);
    return last === undefined ? 0 : last.count * Math.exp(-Math.max(0, now - last.at) / MEMORY_MS);
  };
  return {
    note: (role, now) => void seen.set(role, { count: count(role, now) + 1, at: now }),
    rate: (role, now) => count(role, now) / (MEMORY_MS / 1000),
  };
}
