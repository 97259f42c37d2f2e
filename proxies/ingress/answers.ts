/**
 * Answers on their way from the vault to a frontend: each is handed to whoever asks for it right now, else to one of the frontend's
 * WebSockets. Nothing is kept here: an answer that nobody takes is *later*, and the kernel's outbox keeps it.
 *
 * Threat: a frontend is handed another frontend's answer, or an answer counts as delivered that nobody has.
 * Contract: the receipt (`done`) goes back only after a request of that very frontend took the answer, or its WebSocket acknowledged the id.
 * Failure: later.
 */
import { done, type End, later } from "../../kernel/abi/ends.ts";
import type { RequestOf, vaultToIngress } from "../../kernel/abi/messages.ts";

export type Answer = RequestOf<typeof vaultToIngress, "answer">;
export type Taken = Pick<Answer, "text" | "fields">;
export type ReceiptEnd = End<Record<string, never>>;

/** Where answers can be sent: one authenticated WebSocket. `send` is false when it takes no more. */
export type Outlet = { send(answer: Answer): boolean };

/** Somebody who asks for one task's answer now. */
type Asker = { readonly frontend: string; readonly taker: { readonly isOpen: boolean }; take(answer: Taken): void };

type Unacknowledged = { readonly answer: Answer; readonly outlet: Outlet; settle(end: ReceiptEnd): void };

/** A frontend acknowledges within this, or gets the answer again. */
export const ACKNOWLEDGE_MS = 10_000;

export class Answers {
  readonly #askers = new Map<string, Set<Asker>>();
  readonly #outlets = new Map<string, Set<Outlet>>();
  /** By delivery. */
  readonly #unacknowledged = new Map<string, Unacknowledged>();

  /** Waits for the answer of `task`. One that waits for its receipt is taken at once: the frontend has it then. */
  waitFor(frontend: string, task: string, taker: Asker["taker"]): { answer: Promise<Taken>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<Taken>();
    const asker = { frontend, taker, take: resolve };
    const askers = this.#askers.get(task) ?? new Set();
    this.#askers.set(task, askers.add(asker));
    for (const { answer, settle } of this.#unacknowledged.values()) {
      if (answer.task === task && this.#handOver(answer)) settle(done({}));
    }
    const stop = () => {
      askers.delete(asker);
      if (askers.size === 0 && this.#askers.get(task) === askers) this.#askers.delete(task);
    };
    return { answer: promise, stop };
  }

  /** Hands an answer to its frontend; settles with the receipt. */
  deliver(answer: Answer): ReceiptEnd | Promise<ReceiptEnd> {
    if (this.#handOver(answer)) return done({});
    const outlet = this.#send(answer);
    return outlet === null ? later("No frontend is there to take it.") : this.#acknowledgement(answer, outlet);
  }

  /** The frontend says that it has a delivery. */
  acknowledge(frontend: string, delivery: string): void {
    const waiting = this.#unacknowledged.get(delivery);
    if (waiting?.answer.frontend === frontend) waiting.settle(done({}));
  }

  open(frontend: string, outlet: Outlet): void {
    const outlets = this.#outlets.get(frontend) ?? new Set();
    this.#outlets.set(frontend, outlets.add(outlet));
  }

  /** The outlet is gone: what it was sent and did not acknowledge is later. */
  close(frontend: string, outlet: Outlet): void {
    const outlets = this.#outlets.get(frontend);
    outlets?.delete(outlet);
    if (outlets?.size === 0) this.#outlets.delete(frontend);
    for (const waiting of this.#unacknowledged.values()) {
      if (waiting.outlet === outlet) waiting.settle(later("The frontend has gone."));
    }
  }

  outlets(frontend: string): number {
    return this.#outlets.get(frontend)?.size ?? 0;
  }

  #handOver(answer: Answer): boolean {
    const { text, fields } = answer;
    const askers = [...(this.#askers.get(answer.task) ?? [])].filter(
      ({ frontend, taker }) => frontend === answer.frontend && taker.isOpen,
    );
    for (const asker of askers) asker.take({ text, fields });
    return askers.length > 0;
  }

  /** The outlet that took it, or null. It goes to the end of the line, so that all get their share. */
  #send(answer: Answer): Outlet | null {
    const outlets = this.#outlets.get(answer.frontend) ?? new Set<Outlet>();
    const outlet = [...outlets].find((candidate) => candidate.send(answer));
    if (outlet === undefined) return null;
    outlets.delete(outlet);
    outlets.add(outlet);
    return outlet;
  }

  #acknowledgement(answer: Answer, outlet: Outlet): Promise<ReceiptEnd> {
    const { delivery } = answer;
    this.#unacknowledged.get(delivery)?.settle(later("It was sent again."));
    return new Promise((resolve) => {
      const settle = (end: ReceiptEnd) => {
        clearTimeout(timer);
        if (this.#unacknowledged.get(delivery) === waiting) this.#unacknowledged.delete(delivery);
        resolve(end);
      };
      const timer = setTimeout(() => settle(later("The frontend did not acknowledge it.")), ACKNOWLEDGE_MS);
      const waiting = { answer, outlet, settle };
      this.#unacknowledged.set(delivery, waiting);
    });
  }
}
