/** The appliance that is measured: the trial's own world, and one agent that does nothing but call. Runs inside the build root. */
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseDocument } from "yaml";
import { type Frontend, openFrontend, patiently, type TaskAnswer } from "../../console/cli/frontend.ts";
import { type Ask, withKernel } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { startWorld, type World } from "../../console/trial/world.ts";
import { forgetState } from "../../console/up/fresh.ts";
import type { ServiceName } from "../../console/up/processes.ts";
import type { Isolation } from "../../kernel/abi/messages.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
/** Of the mail server, which keeps it outside the state directory. */
const MAIL_QUEUE = "/var/spool/smtpd";
const AGENT = "/opt/silo/tests/bench/agents/bench";
const POLL_MS = 20;
const PATIENCE_MS = 120_000;

/** In place of those of the shipped silo.yaml. */
export type WorldSettings = { slots?: number; cells_max?: number };

export type BenchWorld = {
  frontend: Frontend;
  /** The bundle of the agent that is measured. */
  bundle: string;
  /** From now on its cells are held by this; returns the bundle that asks for it. */
  heldBy(isolation: Isolation): Promise<string>;
  pid(name: ServiceName): number | undefined;
  ask<T>(work: (ask: Ask) => Promise<T>): Promise<T>;
  /** Submits a task of kind `bench` and returns it. */
  submit(fields: Record<string, number>): Promise<string>;
  /** Settles when it has ended, with its answer. Throws when it did not complete. */
  answerOf(task: string): Promise<TaskAnswer>;
  /** Milliseconds between the first entries of the audit log for the task with these verbs. */
  between(task: string, from: string, to: string): Promise<number>;
  /** Submits a task of kind `bench`, waits for its end and returns it. Throws when it did not complete. */
  runBench(fields: Record<string, number>): Promise<TaskAnswer>;
  stop(): Promise<void>;
};

/** Starts everything with the agent approved; `port` is ingress's. */
export async function startBenchWorld(port: number, { slots, cells_max }: WorldSettings): Promise<BenchWorld> {
  forgetState(PLACES.var, PLACES.run, MAIL_QUEUE);
  mkdirSync(`${PLACES.var}/config`, { recursive: true });
  addToConfig("silo.yaml", (silo) => {
    silo.setIn(["kinds", "bench"], { customer: "optional" });
    silo.addIn(["frontends", "shop", "kinds"], "bench");
    if (slots !== undefined) silo.setIn(["slots"], slots);
    if (cells_max !== undefined) silo.setIn(["pool", "cells_max"], cells_max);
  });
  addToConfig("transitions.yaml", (map) => map.addIn([], { on: "TaskCreated", kind: "bench", to: "bench" }));
  const world = await startWorld({ port });
  await world.appliance.waitReady();
  cpSync(AGENT, `${PLACES.var}/agents/bench`, { recursive: true });
  const ask: BenchWorld["ask"] = (work) => withKernel(PLACES, "admin", work);
  const bundle = await ask(approve);
  const frontend = openPatient();
  return {
    frontend,
    bundle,
    async heldBy(isolation) {
      const policy = `${PLACES.var}/agents/bench/policy.yaml`;
      writeFileSync(policy, readFileSync(policy, "utf8").replace(/^isolation: .*$/m, `isolation: ${isolation}`));
      return ask(approve);
    },
    pid: (name) => world.appliance.pid(name),
    ask,
    submit: (fields) => submit(frontend, fields),
    answerOf: (task) => answerOf(frontend, task),
    runBench: async (fields) => answerOf(frontend, await submit(frontend, fields)),
    async between(task, from, to) {
      const { entries } = await ask((one) => one("audit_show", { task, from: 0, limit: 100 }));
      const at = (verb: string) => Number(entries.find(({ entry }) => entry["verb"] === verb)?.entry["time"]);
      return at(to) - at(from);
    },
    stop: () => stop(world),
  };
}

function addToConfig(name: string, change: (document: ReturnType<typeof parseDocument>) => void): void {
  const document = parseDocument(readFileSync(`${PLACES.etc}/${name}`, "utf8"));
  change(document);
  writeFileSync(`${PLACES.var}/config/${name}`, String(document));
}

async function approve(ask: Ask): Promise<string> {
  const { agents } = await ask("agent_list", {});
  const folder = agents.find(({ role }) => role === "bench")?.folder;
  if (folder === null || folder === undefined)
    throw new Error(`The bench agent is not there: ${JSON.stringify(agents)}`);
  await ask("agent_approve", { role: "bench", folder });
  return folder;
}

/** A machine that has other work may answer late. */
function openPatient(): Frontend {
  const { post, get } = openFrontend(PLACES, "shop");
  return {
    post: (body, key) => patiently(() => post(body, key), Date.now() + PATIENCE_MS),
    get: (task) => patiently(() => get(task), Date.now() + PATIENCE_MS),
  };
}

async function submit(frontend: Frontend, fields: Record<string, number>): Promise<string> {
  return (await frontend.post({ kind: "bench", text: "", fields, customer: null }, randomUUID())).task;
}

async function answerOf(frontend: Frontend, task: string): Promise<TaskAnswer> {
  for (; ; await pause(POLL_MS)) {
    const state = await frontend.get(task);
    if (state.event === "Failed") throw new Error(`${task} failed.`);
    if (state.state === "ended" && typeof state.answer === "object") return state;
  }
}

function stop(world: World): Promise<void> {
  return world.stop({ forget: true });
}
