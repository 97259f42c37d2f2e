/**
 * Answers on their way to whoever is there to take them: requests that wait for one, and open WebSockets.
 *
 * Contract: the receipt goes back only when a frontend has the answer; an answer goes to the frontend it names and no other. Nothing is
 * kept here: what nobody takes is *later*, and the kernel keeps it.
 */
import { done, type End, later } from "../../kernel/abi/ends.ts";
import type { RequestOf, vaultToIngress } from "../../kernel/abi/messages.ts";

export type Answer = RequestOf<typeof vaultToIngress, "answer">;

/** Somebody who takes answers of one frontend; settles with whether the frontend now has it. */
export type Taker = { frontend: string; task: string | null; take(answer: Answer): Promise<boolean> };

export type Answers = {
  /** Makes `taker` known until the returned function is called. One with a task comes before those that take all. */
  add(taker: Taker): () => void;
  /** `vault -> ingress: answer`. */
  deliver(answer: Answer): Promise<End<Record<string, never>>>;
};

export function openAnswers(): Answers {
  const takers = new Set<Taker>();
  const fitting = ({ frontend, task }: Answer) =>
    [...takers]
      .filter((taker) => taker.frontend === frontend && (taker.task === null || taker.task === task))
      .sort((a, b) => Number(a.task === null) - Number(b.task === null));
  return {
    add(taker) {
      takers.add(taker);
      return () => takers.delete(taker);
    },
    async deliver(answer) {
      for (const taker of fitting(answer)) if (await taker.take(answer)) return done({});
      return later("No frontend has taken the answer yet.");
    },
  };
}
