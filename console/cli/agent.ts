/** `silo agent list`, `approve`, `offline`, `online`. */
import type { AgentLine } from "../../kernel/abi/console-messages.ts";
import { CommandEnd, exits } from "./exits.ts";
import { difference, isolationDifference } from "./grant-text.ts";
import { type Ask, withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { table } from "./text.ts";

export async function agentList(world: World): Promise<Output> {
  const { agents } = await withKernel(findPlaces(world.state), world.person, (ask) => ask("agent_list", {}));
  return { json: { agents }, text: showAgents(agents) };
}

export function showAgents(agents: readonly AgentLine[]): string {
  if (agents.length === 0) return "No agents. Put a folder into /var/silo/agents and approve it.";
  const rows = agents.map(({ role, state, bundle, folder, problem }) => [
    role,
    state,
    bundle?.slice(0, 12) ?? null,
    folder === null || folder === bundle ? null : folder.slice(0, 12),
    problem?.message ?? (state === "pending" ? `waits for 'silo agent approve ${role}'` : null),
  ]);
  return table(["ROLE", "STATE", "APPROVED", "IN THE FOLDER", "NOTE"], rows);
}

/** Shows what the folder asks for, asks whoever sits there, and approves exactly what was shown. */
export async function agentApprove(world: World, role: string, yes: boolean): Promise<Output> {
  return withKernel(findPlaces(world.state), world.person, async (ask) => {
    const agent = await findAgent(ask, role);
    const { folder } = agent;
    if (folder === null || agent.asks === null) throw unapprovable(agent);
    world.note(showRequest(agent));
    if (!yes && !(await world.confirm(`Approve ${role} with this?`)))
      throw new CommandEnd(exits.refused, "Nothing was approved. With --yes it is approved without a question.");
    const approved = await ask("agent_approve", { role, folder });
    return { json: approved, text: `${role} is ${approved.agent.state}, with bundle ${folder}.` };
  });
}

function unapprovable({ role, problem }: AgentLine): CommandEnd {
  const { code, message } = problem ?? { code: "BUNDLE_INVALID", message: "its folder is gone." };
  return new CommandEnd(exits.refused, `${role} cannot be approved: ${message}`, code);
}

export function showRequest({ role, folder, bundle, asks, granted, isolation }: AgentLine): string {
  const changed = bundle === null ? "" : bundle === folder ? " (unchanged code)" : " (changed code)";
  const lines = [...isolationDifference(isolation), ...difference(asks ?? {}, granted)];
  return [`${role}, folder ${folder}${changed}, asks for:`, ...lines].join("\n");
}

async function findAgent(ask: Ask, role: string): Promise<AgentLine> {
  const { agents } = await ask("agent_list", {});
  const agent = agents.find((one) => one.role === role);
  if (agent !== undefined) return agent;
  const there = agents.map((one) => one.role).join(", ");
  throw new CommandEnd(exits.refused, `There is no agent ${role}. There is: ${there || "none"}.`, "ROLE_UNKNOWN");
}

export async function agentTurn(world: World, role: string, to: "online" | "offline"): Promise<Output> {
  const { agent } = await withKernel(findPlaces(world.state), world.person, (ask) => ask(`agent_${to}`, { role }));
  return { json: { agent }, text: `${role} is ${agent.state}.` };
}
