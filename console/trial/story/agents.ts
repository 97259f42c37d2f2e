/** Before the first chapter: the agent folders arrive, and an administrator approves exactly what was shown. */
import { cpSync } from "node:fs";
import { difference, isolationDifference } from "../../cli/grant-text.ts";
import type { Scene } from "./scene.ts";

const FOLDERS = ["hello", "refund-agent", "hostile"] as const;

export async function approveAgents({ teller, admin }: Scene): Promise<void> {
  teller.chapter("An administrator approves three agents and one human role");
  for (const name of FOLDERS) dropFolder(`/opt/silo/agents/${name}`, `/var/silo/agents/${name}`);
  const { agents } = await admin("agent_list", {});
  for (const { role, folder, asks, isolation, problem, state } of agents) {
    if (folder === null || asks === null) {
      teller.fact(false, `${role} can be approved (${problem?.message ?? state})`);
      continue;
    }
    const { agent } = await admin("agent_approve", { role, folder });
    teller.fact(agent.state === "online", `${role} is ${agent.state}, folder ${folder.slice(0, 12)}, may do:`);
    for (const line of [...isolationDifference(isolation), ...difference(asks, null)]) teller.say(line);
  }
}

function dropFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
}
