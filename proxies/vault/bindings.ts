/** Which cell works for which case and attempt: only what the kernel has bound, gone when the kernel says so or is gone itself. */
import { done, type End } from "../../kernel/abi/ends.ts";
import type { Mode } from "../../kernel/abi/ids.ts";
import type { kernelToVault, RequestOf } from "../../kernel/abi/messages.ts";
import type { Peer } from "../../kernel/process/listen.ts";
import { type Cases, type OpenCase, openHeld } from "./cases.ts";

export type Binding = { open: OpenCase; task: string; assignment: string; epoch: number; mode: Mode; peer: Peer };

export type Bindings = {
  get(cell: string): Binding | undefined;
  /** Binds a cell for as long as the kernel behind `peer` is connected. */
  bind(body: RequestOf<typeof kernelToVault, "bind">, peer: Peer): End<Record<string, never>>;
  end(cell: string): void;
};

export function openBindings(cases: Cases): Bindings {
  const bound = new Map<string, Binding>();
  const peers = new WeakSet<Peer>();

  return {
    get: (cell) => bound.get(cell),
    bind({ cell, case: id, sealed, ...attempt }, peer) {
      const held = openHeld(cases, id, sealed);
      if (held.end !== "done") return held;
      end(cell);
      bound.set(cell, { ...attempt, open: held.value, peer });
      if (!peers.has(peer)) void peer.closed.then(() => endAll(peer));
      peers.add(peer);
      return done({});
    },
    end,
  };

  function end(cell: string): void {
    const binding = bound.get(cell);
    if (binding === undefined) return;
    bound.delete(cell);
    cases.release(binding.open);
  }

  function endAll(peer: Peer): void {
    for (const [cell, binding] of [...bound]) if (binding.peer === peer) end(cell);
  }
}
