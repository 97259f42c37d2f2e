/** `silo status`. */
import type { consoleToKernel, ValueOf } from "../../kernel/abi/messages.ts";
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { list, localTime, table } from "./text.ts";

type Status = ValueOf<typeof consoleToKernel, "status">;

export async function status(world: World): Promise<Output> {
  const found = await withKernel(findPlaces(world.state), world.person, (ask) => ask("status", {}));
  return { json: found, text: showStatus(found) };
}

/** Lowered guards come first and are never left out. */
export function showStatus(status: Status): string {
  return [
    `SiloOS ${status.version}, mode: ${status.mode}, since ${localTime(status.started)}`,
    ...status.lowered.map((guard) => `  ! ${guard}`),
    "",
    list([
      ["tasks", pairs(status.tasks)],
      ["cells", `${status.slots.used} of ${status.slots.total} slots in use`],
      ["answers to deliver", status.undelivered],
      ["audit entries", status.audit_entries],
      ["peers", pairs(mapValues(status.peers, (there) => (there ? "connected" : "NOT CONNECTED")))],
    ]),
    "",
    table(
      ["ROLE", "KIND", "STATE", "BUNDLE"],
      status.roles.map(({ role, human, online, bundle }) => [
        role,
        human ? "human" : "agent",
        online ? "online" : "offline",
        bundle?.slice(0, 12) ?? null,
      ]),
    ),
  ].join("\n");
}

function pairs(values: Record<string, string | number>): string {
  const all = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return all.length === 0 ? "none" : all.join(", ");
}

function mapValues<A, B>(values: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
