/**
 * What the kernel tells the door: its public keys, which cell to expect in a slot, the lease it binds to it, and its end.
 * A kernel that is gone has no leases: its cells end with its connection.
 */
import type { TaskClaims } from "../../kernel/abi/claims.ts";
import { done, type End, later } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import { importPublicKeys } from "../../kernel/abi/keys.ts";
import type { kernelToDoor, RequestOf } from "../../kernel/abi/messages.ts";
import type { Handlers, Peer } from "../../kernel/process/listen.ts";
import { type Door, endCell } from "./door.ts";
import { verifyKeys } from "./keys.ts";
import type { Slot } from "./slot.ts";

type Bind = RequestOf<typeof kernelToDoor, "bind">;

const NO_SLOT = later("There is no such slot here.");
const NOT_WAITING = later("That cell does not wait in that slot.");

export function kernelEdge(door: Door, slots: readonly Slot[]): Handlers<typeof kernelToDoor> {
  /** Cell -> slot, of each connection of the kernel. */
  const cells = new WeakMap<Peer, Map<string, Slot>>();

  function cellsOf(peer: Peer): Map<string, Slot> {
    const known = cells.get(peer);
    if (known !== undefined) return known;
    const fresh = new Map<string, Slot>();
    cells.set(peer, fresh);
    void peer.closed.then(() => {
      for (const [cell, slot] of fresh) endCell(slot, cell);
    });
    return fresh;
  }

  return {
    async keys(body) {
      door.keys = await importPublicKeys(body);
      return done({});
    },
    expect({ slot: number, cell }, peer) {
      const slot = slots[number];
      if (slot === undefined) return NO_SLOT;
      cellsOf(peer).set(cell, slot);
      return slot.open(cell).ready.promise;
    },
    bind: (body) => bind(door, slots[body.slot], body),
    end({ slot: number, cell }, peer) {
      const slot = slots[number];
      cellsOf(peer).delete(cell);
      if (slot !== undefined) endCell(slot, cell);
      return done({});
    },
  };
}

async function bind(door: Door, slot: Slot | undefined, body: Bind): Promise<End<Record<string, never>>> {
  const { cell, document, base_key, task_key } = body;
  const occupant = slot?.holds(cell);
  if (occupant === undefined) return NOT_WAITING;
  const keys = await verifyKeys(door, occupant.verified, base_key, task_key);
  if (keys.end !== "done" || !says(keys.value.task, body)) return later("The keys do not say what the bind says.");
  const answer = { task: document, base_key, task_key } as unknown as Json;
  // One that did more than wait is not what was probed.
  if (slot?.holds(cell) !== occupant || occupant.findings > 0) return NOT_WAITING;
  if (occupant.waiting?.answer(200, answer) !== true) return NOT_WAITING;
  occupant.bound = { keys: keys.value, document: answer };
  return done({});
}

function says(claims: TaskClaims, { cell, assignment, epoch, document }: Bind): boolean {
  const isSameCell = claims.cell === cell && claims.assignment === assignment && claims.epoch === epoch;
  return isSameCell && claims.task === document.task && claims.case === document.case && claims.role === document.role;
}
