/** The approved roles, as the rest of the kernel asks for them. agents.ts approves them. */
import type { Isolation } from "./abi/messages.ts";
import { isWeaker } from "./isolation.ts";
import type { People } from "./people.ts";
import type { Role } from "./records.ts";
import type { Store } from "./store.ts";

/** An approved role with the bundle its cells run now. */
export type ActiveRole = Omit<Role, "approved" | "tools"> & { bundle: string };

export type Roles = {
  /** The role as approved, online or not; null: nothing may run under that name, or nowhere that is strong enough. */
  active(role: string): ActiveRole | null;
  /** Whether work may be routed to it: people always, an agent when it is approved and online. */
  online(role: string): boolean;
  /** Whether people.yaml declares it. */
  human(role: string): boolean;
};

/** Cells of an isolation weaker than `weakest` are started for no role, whenever it was approved. */
export function openRoles(store: Pick<Store, "roles">, people: People, weakest: Isolation): Roles {
  const human = (role: string) => people.roles.has(role);
  const isHeld = ({ isolation }: Pick<Role, "isolation">) => !isWeaker(isolation, weakest);
  return {
    human,
    online(role) {
      const approved = store.roles.get(role);
      return human(role) || (approved?.online === true && isHeld(approved));
    },
    active(role) {
      const approved = store.roles.get(role);
      // A name that changed sides since it was approved is not the role that was approved.
      if (approved === undefined || approved.human !== human(role)) return null;
      const tools = approved.human ? store.roles.get(approved.tools) : approved;
      if (tools === undefined || tools.human || !isHeld(tools)) return null;
      return activeRole(approved, tools);
    },
  };
}

/** A click runs in the cell its tools would get from their own role. */
function activeRole({ approved: _, tools: __, ...role }: Role, tools: Role): ActiveRole {
  const { isolation, deadline_ms, resources } = tools;
  return { ...role, isolation, deadline_ms, resources, bundle: tools.approved };
}
