/** The appliance that is measured: the trial's own world, and one agent that does nothing but call. Runs inside the build root. */
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseDocument } from "yaml";
import { type Frontend, openFrontend, type TaskAnswer } from "../../console/cli/frontend.ts";
import { type Ask, withKernel } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { startWorld, type World } from "../../console/trial/world.ts";
import type { ServiceName } from "../../console/up/processes.ts";
import type { Isolation } from "../../kernel/abi/messages.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
const AGENT = "/opt/silo/tests/bench/agents/bench";
const POLL_MS = 20;

export type BenchWorld = {
  frontend: Frontend;
  /** The bundle of the agent that is measured. */
  bundle: string;
  /** From now on its cells are held by this; returns the bundle that asks for it. */
  heldBy(isolation: Isolation): Promise<string>;
  pid(name: ServiceName): number | undefined;
  ask<T>(work: (ask: Ask) => Promise<T>): Promise<T>;
  /** Submits a task of kind `bench`, waits for its end and returns it. Throws when it did not complete. */
  runBench(fields: Record<string, number>): Promise<TaskAnswer>;
  stop(): Promise<void>;
};

/** Starts everything with the agent approved; `port` is ingress's. */
export async function startBenchWorld(port: number): Promise<BenchWorld> {
  mkdirSync(`${PLACES.var}/config`, { recursive: true });
  addToConfig("silo.yaml", (silo) => {
    silo.setIn(["kinds", "bench"], { customer: "optional" });
    silo.addIn(["frontends", "shop", "kinds"], "bench");
    // Every cell is started for its task: that is what is measured, and none comes up beside it.
    silo.setIn(["pool", "cells_max"], 0);
  });
  addToConfig("transitions.yaml", (map) => map.addIn([], { on: "TaskCreated", kind: "bench", to: "bench" }));
  const world = await startWorld({ port });
  await world.appliance.waitReady();
  cpSync(AGENT, `${PLACES.var}/agents/bench`, { recursive: true });
  const ask: BenchWorld["ask"] = (work) => withKernel(PLACES, "admin", work);
  const bundle = await ask(approve);
  const frontend = openFrontend(PLACES, "shop");
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
    runBench: (fields) => runBench(frontend, fields),
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

async function runBench(frontend: Frontend, fields: Record<string, number>): Promise<TaskAnswer> {
  const { task } = await frontend.post({ kind: "bench", text: "", fields, customer: null }, randomUUID());
  for (;;) {
    const state = await frontend.get(task);
    if (state.event === "Failed") throw new Error(`${task} failed.`);
    if (state.state === "ended" && typeof state.answer === "object") return state;
    await pause(POLL_MS);
  }
}

function stop(world: World): Promise<void> {
  return world.stop({ forget: true });
}
