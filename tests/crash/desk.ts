/** An administrator's session that comes back by itself: the kernel it asks is killed all the time. */
import { setTimeout as pause } from "node:timers/promises";
import { type Ask, openSession, type Session } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";

export type Desk = { ask: Ask; close(): void };

const AGAIN_MS = 50;
/** A kernel is back within this. */
const PATIENCE_MS = 60_000;

export function openDesk(places: Places): Desk {
  let session: Promise<Session> | undefined;
  const drop = () => {
    void session?.then(({ close }) => close()).catch(() => undefined);
    session = undefined;
  };
  const ask: Ask = async (message, body) => {
    for (const until = Date.now() + PATIENCE_MS; ; await pause(AGAIN_MS)) {
      session ??= openSession(places, "admin");
      const mine = session;
      try {
        return await (await mine).ask(message, body);
      } catch (error) {
        if (session === mine) drop();
        if (Date.now() > until) throw error;
      }
    }
  };
  return { ask, close: drop };
}
