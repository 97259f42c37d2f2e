/** What people are told while something decided waits for the disk: what only looks is answered, so that they learn why; all else would wait too. */
import type { consoleToKernel } from "./abi/console-messages.ts";
import { type End, later } from "./abi/ends.ts";
import type { Handlers, Peer } from "./process/listen.ts";

type Console = typeof consoleToKernel;
type Handler = (body: never, peer: Peer) => End<unknown> | Promise<End<unknown>>;

const looks: ReadonlySet<string> = new Set<keyof Console>([
  "sign_in",
  "status",
  "task_list",
  "task_show",
  "agent_list",
  "keys_list",
  "audit_show",
]);

export const notWritten = later("The disk takes nothing now: see `silo status`.");

export function whileBlocked(blocked: () => boolean, handlers: Handlers<Console>): Handlers<Console> {
  const guarded = Object.entries(handlers).map(([name, handle]) => {
    const guard = (body: never, peer: Peer) => (blocked() ? notWritten : (handle as Handler)(body, peer));
    return [name, looks.has(name) ? handle : guard];
  });
  return Object.fromEntries(guarded) as Handlers<Console>;
}
