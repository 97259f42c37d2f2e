/** `probe` and `wait`: what a cell asks before it has a task. */
import { done } from "../../kernel/abi/ends.ts";
import { type Exchange, readAs } from "../../kernel/process/http.ts";
import { checkWait } from "./bodies.ts";
import type { Decision } from "./decision.ts";
import type { Door } from "./door.ts";
import { noteReady, type Occupant } from "./slot.ts";

export async function probe(_door: Door, occupant: Occupant): Promise<Decision> {
  occupant.isProbed = true;
  return { end: done(async () => ({ status: 200, body: { slot: occupant.slot } })) };
}

/** Held until the kernel binds the cell. A cell that lost the answer asks again; only the newest question is held. */
export async function wait(_door: Door, occupant: Occupant, exchange: Exchange): Promise<Decision> {
  const body = await readAs(exchange, checkWait);
  if (body.end !== "done") return { end: body };
  return {
    end: done(async () => {
      if (occupant.bound !== undefined) return { status: 200, body: occupant.bound.document };
      occupant.waiting?.answer(503, { end: "later", message: "The cell asked again." });
      occupant.waiting = exchange;
      noteReady(occupant);
      return undefined;
    }),
  };
}
