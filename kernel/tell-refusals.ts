/** What people who have signed in ask for and are refused: an audit entry each, with who, before they hear of it. */
import type { consoleToKernel } from "./abi/console-messages.ts";
import type { End } from "./abi/ends.ts";
import { type Core, note } from "./core.ts";
import type { Handlers, Peer } from "./process/listen.ts";

type Console = typeof consoleToKernel;

/** The same handlers, their refusals logged. `whoIs`: who signed in on a connection. A sign-in has an entry of its own. */
export function tellRefusals(
  core: Pick<Core, "store" | "commit" | "now">,
  handlers: Handlers<Console>,
  whoIs: (peer: Peer) => string | null,
): Handlers<Console> {
  const { sign_in, ...others } = handlers;
  const told = Object.entries(others).map(([asked, handle]) => [asked, telling(asked, handle as Handle)]);
  return { sign_in, ...(Object.fromEntries(told) as typeof others) };

  function telling(asked: string, handle: Handle): Handle {
    return async (body, peer) => {
      const who = whoIs(peer);
      const end = await handle(body, peer);
      if (who !== null && end.end === "refused") {
        const { code } = end;
        await core.commit(() =>
          note(core, "refusal", { who, asked, code, decision: "refused", ...taskIn(core, body) }),
        );
      }
      return end;
    };
  }
}

type Handle = (body: { task?: string | null }, peer: Peer) => End<unknown> | Promise<End<unknown>>;

/** A task that is there: anything else is what somebody typed. */
function taskIn({ store }: Pick<Core, "store">, { task }: { task?: string | null }): { task?: string } {
  return typeof task === "string" && store.tasks.has(task) ? { task } : {};
}
