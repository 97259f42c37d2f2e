/**
 * The claim: whichever process is killed at whatever instant of a refund, the task ends; its refund is one row and its
 * e-mail one mail, or nobody can tell and a human is asked (UNKNOWN_OUTCOME).
 *
 * One refund a kill, each of another customer, so that one's effects are not taken for another's. Runs inside the build root.
 */
import { randomUUID } from "node:crypto";
import { cpSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Frontend, openFrontend } from "../../console/cli/frontend.ts";
import { withKernel } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { makeShop, readRefunds } from "../../console/trial/shop.ts";
import { readMails } from "../../console/trial/smtp.ts";
import { startWorld, type World } from "../../console/trial/world.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
const PORT = 18_444;
const VICTIMS = ["kernel", "door", "vault", "jailer", "database", "email", "kv", "ingress"] as const;
const INSTANTS_DEFAULT = 10;
const LIMIT_MINOR = 50_000;
/** A task has ended, or is with a human, within so long after the kill. */
const END_MS_MAX = 90_000;
const POLL_MS = 50;

type Victim = (typeof VICTIMS)[number];
/** A customer of the shop and an order of theirs that the agent may refund by itself. */
type Job = { customer: string; email: string; order: string; amount: number };
type Run = { victim: Victim; instant_ms: number; end: string; refunds: number; emails: number; holds: boolean };

/** Customers the story of the trial leaves alone, with an order under the role's limit. */
function makeJobs(): Job[] {
  const { customers, orders } = makeShop();
  return customers.slice(200).flatMap(({ id, email }) => {
    const order = orders.find(({ customer, amount }) => customer === id && amount <= LIMIT_MINOR);
    return order === undefined ? [] : [{ customer: id, email, order: order.id, amount: order.amount }];
  });
}

async function approveRefundAgent(): Promise<void> {
  cpSync("/opt/silo/agents/refund-agent", `${PLACES.var}/agents/refund-agent`, { recursive: true });
  await withKernel(PLACES, "admin", async (ask) => {
    const { agents } = await ask("agent_list", {});
    const folder = agents.find(({ role }) => role === "refund-agent")?.folder ?? "";
    await ask("agent_approve", { role: "refund-agent", folder });
  });
}

/** Submits until it is accepted: a killed front door is a frontend's everyday, and the key makes the repeats one task. */
async function submit(frontend: Frontend, job: Job): Promise<string> {
  const key = randomUUID();
  const fields = { order: job.order, amount: `${(job.amount / 100).toFixed(2)} USD` };
  const body = { kind: "refund", customer: job.customer, text: `Please refund ${job.order}.`, fields };
  return retry(async () => (await frontend.post(body, key)).task);
}

/** How the task ended, or with which reason a human has it. */
async function endOf(frontend: Frontend, task: string): Promise<string> {
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

/** One refund, with `victim` killed `instant_ms` after its submission began. */
async function refund(world: World, frontend: Frontend, job: Job, victim: Victim | null, instant_ms: number) {
  const killed = victim === null ? null : pause(instant_ms).then(() => world.appliance.kill9(victim));
  const begun = performance.now();
  const end = await endOf(frontend, await submit(frontend, job));
  const millis = performance.now() - begun;
  await killed;
  await world.appliance.waitReady();
  const refunds = (await readRefunds(world.postgres)).filter(({ order }) => order === job.order).length;
  const emails = (await readMails()).filter(({ to }) => to.includes(job.email)).length;
  return { end, millis, refunds, emails };
}

function holds({ end, refunds, emails }: { end: string; refunds: number; emails: number }): boolean {
  if (end === "Completed") return refunds === 1 && emails === 1;
  return end.includes("UNKNOWN_OUTCOME") && refunds <= 1 && emails <= 1;
}

async function main(instants: number, json: boolean): Promise<number> {
  const world = await startWorld({ port: PORT });
  await world.appliance.waitReady();
  await approveRefundAgent();
  const frontend = openFrontend(PLACES, "shop");
  const jobs = makeJobs();
  const { millis } = await refund(world, frontend, jobs.pop() as Job, null, 0);
  const runs: Run[] = [];
  for (const victim of VICTIMS)
    for (let instant = 0; instant < instants; instant++) {
      const instant_ms = Math.round(((instant + 0.5) / instants) * millis);
      const came = await refund(world, frontend, jobs.pop() as Job, victim, instant_ms);
      const { end, refunds, emails } = came;
      runs.push({ victim, instant_ms, end, refunds, emails, holds: holds(came) });
      print(runs.at(-1) as Run, json);
    }
  await world.stop({ forget: true });
  const failed = runs.filter((run) => !run.holds).length;
  console.log(`${runs.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function print(run: Run, json: boolean): void {
  const { victim, instant_ms, end, refunds, emails } = run;
  const words = `${victim} killed after ${instant_ms} ms: ${end}, ${refunds} refund, ${emails} e-mail`;
  console.log(json ? JSON.stringify(run) : `${run.holds ? "ok  " : "FAIL"} ${words}`);
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    instants: { type: "string", default: String(INSTANTS_DEFAULT) },
  },
});
process.exitCode = await main(Number(values.instants), values.json);
