/** The vault's three edges, each message with who answers it. */
import { done, type End, later } from "../../kernel/abi/ends.ts";
import type { doorToVault, ingressToVault, kernelToVault } from "../../kernel/abi/messages.ts";
import type { Handlers } from "../../kernel/process/listen.ts";
import { openBindings } from "./bindings.ts";
import { openCalls } from "./call.ts";
import type { CaseKeys } from "./case-keys.ts";
import { openCases } from "./cases.ts";
import { deliver } from "./deliver.ts";
import type { Asking } from "./known-customer.ts";
import type { Master } from "./master.ts";
import type { Ingress } from "./peers.ts";
import { settle } from "./settle.ts";
import { submit } from "./submit.ts";

/** What the vault holds, and whom it speaks to. */
export type Holding = Asking & { keys: CaseKeys; master: Master; ingress: Ingress };

export type Vault = {
  ingress: Handlers<typeof ingressToVault>;
  door: Handlers<typeof doorToVault>;
  kernel: Handlers<typeof kernelToVault>;
  /** Takes no new work; settles when what was in hand is answered. */
  stop(): Promise<void>;
};

export function openVault(holding: Holding): Vault {
  const cases = openCases(holding.keys, holding.random);
  const bindings = openBindings(cases);
  const having = { ...holding, cases, bindings };
  const call = openCalls(having);
  const inHand = new Set<Promise<unknown>>();
  let stopping = false;

  return {
    ingress: { submit: (submission) => track(() => submit(having, submission)) },
    door: { call: (one) => track(() => call(one)) },
    kernel: {
      bind: (body, peer) => bindings.bind(body, peer),
      end(body) {
        bindings.end(body.cell);
        return done({});
      },
      settle: (question) => track(() => settle(having, question)),
      deliver: (delivery) => track(() => deliver(having, delivery)),
      async close(body) {
        await cases.destroy(body.case);
        return done({});
      },
    },
    async stop() {
      stopping = true;
      await Promise.allSettled(inHand);
    },
  };

  async function track<T>(work: () => Promise<End<T>>): Promise<End<T>> {
    if (stopping) return later("The vault is stopping.");
    const answer = work();
    inHand.add(answer);
    try {
      return await answer;
    } finally {
      inHand.delete(answer);
    }
  }
}
