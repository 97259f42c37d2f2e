/** What is to be run next: first what people wait for, then the ready task that is due longest, then what runs beside the work. */
import { type End, later } from "./abi/ends.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import type { Over } from "./cell.ts";
import type { Comparison } from "./comparison.ts";
import { endingOf } from "./comparisons.ts";
import type { Core } from "./core.ts";
import { type Pick, pick } from "./pick.ts";
import type { Click } from "./records.ts";
import { concludeShadow, shadowRun } from "./shadow.ts";

/** Clicks and comparisons that may wait for a slot. */
const ASKED_MAX = 100;

/** What a cell is needed for. `over`: what is to be done once it is. */
export type Job = Pick & {
  click: Click | null;
  comparison: Comparison | null;
  over: (attempt: Attempt, over: Over) => unknown;
};

export type Jobs = {
  /** It stays the next until it has begun. */
  next(now: number): Job | undefined;
  begun(job: Job): void;
  /** Puts what a person waits for before everything else. */
  ask<T>(jobFor: (resolve: (end: End<T>) => void) => Job): Promise<End<T>>;
};

export function openJobs(core: Core, attempts: Attempts): Jobs {
  const asked: Job[] = [];

  function shadowJob({ task, role }: Pick): Job {
    const comparison = shadowRun(core, task, role);
    const over = (_: Attempt, over: Over) => core.commit(() => concludeShadow(core, comparison, endingOf(over)));
    return { task, role, click: null, comparison, over };
  }

  return {
    next(now) {
      if (asked[0] !== undefined) return asked[0];
      const live = pick(core, "due", attempts.busy("live"), now);
      if (live !== null) return { ...live, click: null, comparison: null, over: () => undefined };
      const shadow = pick(core, "shadowsDue", attempts.busy("shadow"), now);
      return shadow === null ? undefined : shadowJob(shadow);
    },
    begun(job) {
      if (job === asked[0]) asked.shift();
    },
    async ask<T>(jobFor: (resolve: (end: End<T>) => void) => Job) {
      if (asked.length >= ASKED_MAX) return later("Too many people are working at once.");
      const { promise, resolve } = Promise.withResolvers<End<T>>();
      asked.push(jobFor(resolve));
      return promise;
    },
  };
}
