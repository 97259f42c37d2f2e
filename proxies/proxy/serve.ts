/** The vault's edge of an acting proxy: every message is admitted, then acted or decided, its result bounded, and the end of an effect proved. */
import { RESULT_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import type { ProxyName } from "../../kernel/abi/edges.ts";
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import { vaultToProxy } from "../../kernel/abi/messages.ts";
import { proveEnd } from "../../kernel/abi/proof.ts";
import { type Handlers, listen } from "../../kernel/process/listen.ts";
import type { Log } from "../../kernel/process/log.ts";
import { type Admission, admitAct, admitDecide, type Call, type Intent } from "./admit.ts";
import { OneCustomer } from "./one-customer.ts";
import type { Decision } from "./record.ts";

/**
 * What one proxy can do. Both answer with the result as the operation declares it: one object, null, or an array of objects. What they say of
 * an effect is on record: it is proved to the kernel.
 */
export type Acting = {
  act(call: Call): Promise<End<Json>> | End<Json>;
  /** Only asked for effects: a read leaves nothing to decide. */
  decide(intent: Intent): Promise<End<Decision>> | End<Decision>;
};

export type Serving = {
  /** Takes no new work; settles when what is in hand has been answered. */
  stop(): Promise<void>;
};

/** Listens for the vault. Resolves when the socket is taken. */
export async function serveProxy(
  name: ProxyName,
  admission: Admission,
  acting: Acting,
  options: { run: string; log: Log },
): Promise<Serving> {
  const customers = new OneCustomer();
  const handlers: Handlers<typeof vaultToProxy> = {
    async act(body) {
      const call = admitAct(body, admission);
      if (call.end !== "done") return refuse(call, body.permit.capability, options.log);
      const one = customers.admit(body.permit, call.value.customer, admission.now());
      if (one.end !== "done") return refuse(one, body.permit.capability, options.log);
      const end = withinBound(await acting.act(call.value));
      if (end.end !== "done") return end;
      const isEffect = call.value.operation.effect === "write";
      return done({ result: end.value, proof: isEffect ? proveEnd(body.permit, "happened", admission.key) : null });
    },
    async decide(body) {
      const intent = admitDecide(body, admission);
      if (intent.end !== "done") return refuse(intent, body.permit.capability, options.log);
      if (intent.value.operation.effect === "read") return done({ decided: "void", result: null, proof: null });
      const end = await acting.decide(intent.value);
      if (end.end !== "done") return end;
      return done({ ...end.value, proof: proveEnd(body.permit, end.value.decided, admission.key) });
    },
  };
  const inHand = new Set<Promise<unknown>>();
  let stopping = false;
  const server = await listen(
    { from: "vault", to: name },
    vaultToProxy,
    {
      act: (body, peer) => track(() => handlers.act(body, peer)),
      decide: (body, peer) => track(() => handlers.decide(body, peer)),
    },
    options,
  );
  return {
    async stop() {
      stopping = true;
      server.close();
      await Promise.allSettled(inHand);
    },
  };

  async function track<T>(work: () => End<T> | Promise<End<T>>): Promise<End<T>> {
    if (stopping) return later(`${name} is stopping.`);
    const answer = Promise.resolve(work());
    inHand.add(answer);
    try {
      return await answer;
    } finally {
      inHand.delete(answer);
    }
  }
}

/** The end, or RESULT_TOO_LARGE. An effect asks before it commits. */
export function withinBound(end: End<Json>): End<Json> {
  if (end.end !== "done" || Buffer.byteLength(JSON.stringify(end.value)) <= RESULT_BYTES_MAX) return end;
  return refused("RESULT_TOO_LARGE");
}

function refuse(end: End<never>, capability: string, log: Log): End<never> {
  if (end.end === "refused") log.warn({ capability, code: end.code }, "a call was not admitted");
  return end;
}
