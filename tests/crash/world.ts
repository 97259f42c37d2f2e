/** The world that is crashed: the trial's own, with its refund agent, and a frontend that never gives up. Runs inside the build root. */
import { randomUUID } from "node:crypto";
import { cpSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Frontend, openFrontend } from "../../console/cli/frontend.ts";
import { withKernel } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { makeShop } from "../../console/trial/shop.ts";
import { startWorld, type World } from "../../console/trial/world.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
const PORT = 18_444;
const LIMIT_MINOR = 50_000;
const POLL_MS = 50;

export const victims = ["kernel", "door", "vault", "jailer", "database", "email", "kv", "ingress"] as const;
export type Victim = (typeof victims)[number];

/** A customer of the shop and an order of theirs that the agent may refund by itself. */
export type Job = { customer: string; email: string; order: string; amount: number };
export type CrashWorld = { world: World; frontend: Frontend };

/** A task has ended, or is with a human, within so long. */
export const END_MS_MAX = 90_000;

/** Starts everything, with the refund agent approved. */
export async function startCrashWorld(): Promise<CrashWorld> {
  const world = await startWorld({ port: PORT });
  await world.appliance.waitReady();
  cpSync("/opt/silo/agents/refund-agent", `${PLACES.var}/agents/refund-agent`, { recursive: true });
  await withKernel(PLACES, "admin", async (ask) => {
    const { agents } = await ask("agent_list", {});
    const folder = agents.find(({ role }) => role === "refund-agent")?.folder ?? "";
    await ask("agent_approve", { role: "refund-agent", folder });
  });
  return { world, frontend: openFrontend(PLACES, "shop") };
}

/** One order under the role's limit of each customer whom the story of the trial leaves alone. */
export function makeJobs(): Job[] {
  const { customers, orders } = makeShop();
  return customers.slice(200).flatMap(({ id, email }) => {
    const order = orders.find(({ customer, amount }) => customer === id && amount <= LIMIT_MINOR);
    return order === undefined ? [] : [{ customer: id, email, order: order.id, amount: order.amount }];
  });
}

/** Submits until it is accepted: a killed front door is a frontend's everyday, and the key makes the repeats one task. */
export async function submit(frontend: Frontend, job: Job): Promise<string> {
  const key = randomUUID();
  const fields = { order: job.order, amount: `${(job.amount / 100).toFixed(2)} USD` };
  const body = { kind: "refund", customer: job.customer, text: `Please refund ${job.order}.`, fields };
  return retry(async () => (await frontend.post(body, key)).task);
}

/** How the task ended, or with which reason a human has it; STUCK after END_MS_MAX. */
export async function endOf(frontend: Frontend, task: string): Promise<string> {
  for (const until = Date.now() + END_MS_MAX; Date.now() < until; await pause(POLL_MS)) {
    const state = await retry(() => frontend.get(task));
    if (state.state === "ended") return state.event ?? "ended";
    if (state.state === "waiting") return retry(() => reasonOf(task));
  }
  return "STUCK";
}

async function reasonOf(task: string): Promise<string> {
  return withKernel(PLACES, "admin", async (ask) => (await ask("task_show", { task })).line.reason ?? "waiting");
}

async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + END_MS_MAX; ; await pause(POLL_MS)) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}
