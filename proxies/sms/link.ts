/** Keeps one session with the SMSC open, so that receipts arrive: binds again whenever it has ended, after a growing pause. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../kernel/process/log.ts";
import type { Session } from "./session.ts";

export type Link = {
  /** The bound session, or undefined where there was none within BOUND_MS_MAX. */
  session(): Promise<Session | undefined>;
  close(): void;
};

const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 10_000;
/** So long a call waits for a session. */
const BOUND_MS_MAX = 3000;

/** Begins at once. `open` binds; what it rejects with is ours to log. */
export function keepLink(open: () => Promise<Session>, log: Log): Link {
  const stop = new AbortController();
  let bound = Promise.withResolvers<Session>();
  void keep();

  async function keep(): Promise<void> {
    for (let pause = RETRY_MS_FIRST; !stop.signal.aborted; pause = Math.min(pause * 2, RETRY_MS_MAX)) {
      const session = await open().catch((error: Error) => void log.warn(error.message));
      if (session !== undefined) {
        pause = RETRY_MS_FIRST;
        await serve(session);
      }
      await sleep(pause, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  async function serve(session: Session): Promise<void> {
    log.info("bound to the SMSC");
    const close = () => session.close();
    stop.signal.addEventListener("abort", close);
    if (stop.signal.aborted) close();
    bound.resolve(session);
    await session.closed;
    bound = Promise.withResolvers();
    stop.signal.removeEventListener("abort", close);
    log.warn("the session with the SMSC has ended");
  }

  return {
    async session() {
      const patience = new AbortController();
      const none = sleep(BOUND_MS_MAX, undefined, patience).catch(() => undefined);
      try {
        return await Promise.race([bound.promise, none]);
      } finally {
        patience.abort();
      }
    },
    close: () => stop.abort(),
  };
}
