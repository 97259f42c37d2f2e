/** The edge kernel -> jailer: which messages there are and what each does. The cells of a connection end with it. */
import { done } from "../kernel/abi/ends.ts";
import type { BodyCheck, Handler, Peer, Receivers } from "../kernel/process/receive.ts";
import type { Cells } from "./cells.ts";
import { checkKill, checkStart, type Kill, type Start } from "./messages.ts";

export function kernelEdge(cells: Cells): Receivers {
  const started = new WeakMap<Peer, Set<string>>();

  function cellsOf(peer: Peer): Set<string> {
    const known = started.get(peer);
    if (known !== undefined) return known;
    const fresh = new Set<string>();
    started.set(peer, fresh);
    // The leases of a kernel that is gone are dead, and so is what it started.
    void peer.closed.then(() => Promise.all([...fresh].map(cells.kill)));
    return fresh;
  }

  const start = async (request: Start, peer: Peer) => {
    const own = cellsOf(peer).add(request.cell);
    const exit = await cells.start(request);
    own.delete(request.cell);
    return done({ exit });
  };
  const kill = async (request: Kill) => {
    await cells.kill(request.cell);
    return done({});
  };
  return new Map<string, { check: BodyCheck; handle: Handler }>([
    ["start", { check: checkStart, handle: (body, peer) => start(body as Start, peer) }],
    ["kill", { check: checkKill, handle: (body) => kill(body as Kill) }],
  ]);
}
