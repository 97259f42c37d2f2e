/** The appliance that is attacked: a hostile role of each isolation, and refunds that go on beside. Runs inside the build root. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { openFrontend, patiently, type TaskAnswer } from "../../console/cli/frontend.ts";
import { type Ask, openSession } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { startWorld } from "../../console/trial/world.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import { makeJobs, submissionOf } from "../crash/jobs.ts";
import type { Ended, IsolationName } from "./verdict.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
const CUSTOMER = "C0150";
/** A machine that has other work needs more than the agent's own. */
const DEADLINE_S = 45;
/** Two that hang in each isolation, one that attacks, one that is beside it. */
const SLOTS = 6;
const END_MS = 180_000;
const POLL_MS = 100;
const QUIET_MS = 60_000;

export type Run = Ended & { text: string };

export type HostileWorld = {
  /** A run of the hostile agent, from its task to its end. */
  attack(isolation: IsolationName, fields: Record<string, string>): Promise<Run>;
  /** A refund from its task to its answer; whether it was done. */
  refund(): Promise<boolean>;
  /** Settles when no cell is left; false when that takes too long. */
  quiet(left: () => number): Promise<boolean>;
  stop(): Promise<void>;
};

/** Starts one in which the hostile agent is approved once for each of `isolations`. */
export async function startHostileWorld(isolations: readonly IsolationName[]): Promise<HostileWorld> {
  configure(isolations);
  const world = await startWorld();
  await world.appliance.waitReady();
  const { ask, close } = await openSession(PLACES, "admin");
  await approveAll(ask);
  const frontend = openFrontend(PLACES, "shop");
  const jobs = makeJobs();
  let submitted = 0;

  async function endOf(submission: object): Promise<TaskAnswer> {
    const until = Date.now() + END_MS;
    const { task } = await patiently(() => frontend.post(submission, `hostile-${submitted++}`), until);
    for (;;) {
      const seen = await patiently(() => frontend.get(task), until);
      if (seen.state === "waiting" || (seen.state === "ended" && seen.answer !== "pending")) return seen;
      if (Date.now() > until) throw new Error(`${task} does not end.`);
      await pause(POLL_MS);
    }
  }
  return {
    async attack(isolation, fields) {
      const ended = await endOf({ kind: roleOf(isolation), customer: CUSTOMER, fields, text: "" });
      const { line } = await ask("task_show", { task: ended.task });
      const { text, fields: got } = typeof ended.answer === "object" ? ended.answer : { text: "", fields: {} };
      return { fields: got, text, event: ended.event, reason: line.reason };
    },
    async refund() {
      const job = jobs.pop();
      return job !== undefined && (await endOf(submissionOf(job))).event === "Completed";
    },
    async quiet(left) {
      for (const until = Date.now() + QUIET_MS; ; await pause(POLL_MS)) {
        const { slots } = await ask("status", {});
        if (slots.used === 0 && left() === 0) return true;
        if (Date.now() > until) return false;
      }
    },
    async stop() {
      close();
      await world.stop({ forget: true });
    },
  };
}

function roleOf(isolation: IsolationName): string {
  return `hostile-${isolation}`;
}

/** What an administrator of this appliance has set: the trial's defaults, and these roles. */
function configure(isolations: readonly IsolationName[]): void {
  const roles = isolations.map(roleOf);
  const read = (name: string): unknown => parse(readFileSync(`${PLACES.etc}/${name}`, "utf8"));
  const write = (name: string, value: object) => writeFileSync(`${PLACES.var}/config/${name}`, stringify(value));
  mkdirSync(`${PLACES.var}/config`, { recursive: true });
  const silo = read("silo.yaml") as Settings;
  const kinds = Object.fromEntries(roles.map((kind) => [kind, { customer: "required" as const }]));
  write("silo.yaml", {
    ...silo,
    slots: SLOTS,
    // A cell that waits for its task would look like one that was left behind.
    pool: { ...silo.pool, cells_max: 0 },
    // An attack that ends its run has been made once.
    attempts: { ...silo.attempts, max: 1 },
    kinds: { ...silo.kinds, ...kinds },
    frontends: { shop: { kinds: ["refund", ...roles] } },
  });
  const begin = roles.map((role) => ({ on: "TaskCreated", kind: role, to: role }));
  write("transitions.yaml", [...begin, ...(read("transitions.yaml") as object[])]);
  cpSync("/opt/silo/agents/refund-agent", `${PLACES.var}/agents/refund-agent`, { recursive: true });
  for (const isolation of isolations) {
    const folder = `${PLACES.var}/agents/${roleOf(isolation)}`;
    cpSync("/opt/silo/agents/hostile", folder, { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
    const policy = parse(readFileSync(`${folder}/policy.yaml`, "utf8")) as object;
    writeFileSync(
      `${folder}/policy.yaml`,
      stringify({ ...policy, role: roleOf(isolation), isolation, deadline_seconds: DEADLINE_S }),
    );
  }
}

async function approveAll(ask: Ask): Promise<void> {
  const { agents } = await ask("agent_list", {});
  for (const { role, folder } of agents) if (folder !== null) await ask("agent_approve", { role, folder });
}
