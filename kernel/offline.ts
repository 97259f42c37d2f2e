/** Tasks that are ready for a role that has gone offline: the map may send them to somebody else; without a rule they wait for the role. */
import { assigned, type Core } from "./core.ts";
import { route } from "./route.ts";
import { leave } from "./settle.ts";
import { chance } from "./submit.ts";

/** Tasks of one role that are handed over in one transaction. */
const BATCH_MAX = 100;

/** Hands over what the map says, inside a transaction; returns the tasks. Call it again and again. */
export function handOver(core: Core): string[] {
  const offline = core.store.roles.all().filter(({ value }) => !value.human && !value.online);
  return offline.flatMap(({ value }) => handOverOf(core, value.role));
}

function handOverOf(core: Core, role: string): string[] {
  const ready = core.store.due
    .under([role], { limit: BATCH_MAX })
    .map(({ key }) => (key as [string, number, string])[2]);
  const moving = ready.filter((id) => isWanted(core, id, role));
  for (const id of moving) leave(core, id, { how: "offline" }, null);
  return moving;
}

/** Whether the map names somebody who can take it now. */
function isWanted(core: Core, id: string, role: string): boolean {
  const { task } = assigned(core.store, id);
  const facts = { kind: task.kind, from: role, reason: "ROLE_OFFLINE", hops: task.hops, online: core.roles.online };
  const next = route(core.map, "RoleOffline", { ...facts, random: chance(core) });
  return next !== null && !("wait" in next);
}
