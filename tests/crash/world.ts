/** The world that is crashed: a whole appliance on real outside systems, and an agent with one effect at every proxy. Runs inside the build root. */
import { randomInt } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseDocument } from "yaml";
import type { Places } from "../../console/cli/places.ts";
import { type Appliance, startAppliance } from "../../console/up/appliance.ts";
import { type ServiceName, services } from "../../console/up/processes.ts";
import { isolations } from "../../jail/isolations.ts";
import { allUids, processesIn, processesOf } from "../../jail/processes.ts";
import { type Desk, openDesk } from "./desk.ts";
import { type CrashFrontend, openFrontend } from "./frontend.ts";
import { type Outsiders, startOutsiders } from "./outside.ts";
import { FOLDER, makeFolder } from "./points/plan.ts";

export const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
/** Of the front door, drawn anew: it is on the host's network, where others may run the same. */
/** What is killed here is no fault of a task's: it must not use up its attempts, however often its kernel dies under it. */
const ATTEMPTS_MAX = 100;
const PORT = { min: 20_000, max: 32_000 } as const;
/** A crash is our own doing here, so nobody has to wait out a process that keeps failing. */
const RESTART_MS_MAX = 100;
const ROLE = "refund-agent";
const QUIET_MS_MAX = 60_000;
const POLL_MS = 20;

export const victims: readonly ServiceName[] = services.map(({ name }) => name);

export type CrashWorld = {
  appliance: Appliance;
  outside: Outsiders;
  desk: Desk;
  frontend: CrashFrontend;
  /** No cell waits for a task any more, and none is started. */
  goOffline(): Promise<void>;
  /** Settles when everything serves, every answer is delivered and nothing of a cell is left. Throws, saying what is. */
  quiet(): Promise<void>;
  /** With `forget`, the keys go too. */
  stop(options: { forget: boolean }): Promise<void>;
};

/** With `marked`, the processes know the boundaries of points/. `slots`: cells at once; `waiting`: those of them that may wait for a task. */
export type CrashSettings = { marked: boolean; slots: number; waiting: number };

export async function startCrashWorld({ marked, slots, waiting }: CrashSettings): Promise<CrashWorld> {
  putNodeFirst(marked ? ["register", "cache"] : ["cache"]);
  setCells(slots, waiting);
  const outside = await startOutsiders();
  const appliance = await startAppliance({
    port: randomInt(PORT.min, PORT.max),
    restartMsMax: RESTART_MS_MAX,
    outside: async () => outside.credentials(),
  });
  await appliance.waitReady();
  const desk = openDesk(PLACES);
  await approve(desk);
  const frontend = openFrontend(PLACES, desk);
  const mounts = mountsNow();
  return {
    appliance,
    outside,
    desk,
    frontend,
    async goOffline() {
      await desk.ask("agent_offline", { role: ROLE });
    },
    async quiet() {
      await appliance.waitReady();
      for (const until = Date.now() + QUIET_MS_MAX; ; await pause(POLL_MS)) {
        const { slots, undelivered } = await desk.ask("status", {});
        const left = leftOfCells();
        const extra = mountsNow().filter((line) => !mounts.includes(line));
        if (slots.used === 0 && undelivered === 0 && left === 0 && extra.length === 0) return;
        const what = { used: slots.used, undelivered, processes: left, mounts: extra };
        if (Date.now() > until) throw new Error(`It does not come to rest: ${JSON.stringify(what)}`);
      }
    },
    async stop(options) {
      frontend.close();
      desk.close();
      await appliance.stop(options);
      await outside.stop();
    },
  };
}

/** `node` in the PATH of every process that is started from now on: the pinned one, with these modules of points/ loaded first. */
function putNodeFirst(modules: readonly string[]): void {
  makeFolder();
  const imports = modules.map((name) => `--import ${new URL(`./points/${name}.ts`, import.meta.url).pathname}`);
  const lines = [
    "#!/bin/sh",
    `NODE_COMPILE_CACHE=${FOLDER}/cache exec ${process.execPath} ${imports.join(" ")} "$@"`,
    "",
  ];
  for (const name of ["bin", "cache"]) mkdirSync(`${FOLDER}/${name}`);
  chmodSync(`${FOLDER}/cache`, 0o777);
  writeFileSync(`${FOLDER}/bin/node`, lines.join("\n"), { mode: 0o755 });
  process.env["PATH"] = `${FOLDER}/bin:${process.env["PATH"]}`;
}

function setCells(slots: number, waiting: number): void {
  const silo = parseDocument(readFileSync(`${PLACES.etc}/silo.yaml`, "utf8"));
  silo.setIn(["slots"], slots);
  silo.setIn(["pool", "cells_max"], waiting);
  silo.setIn(["attempts", "max"], ATTEMPTS_MAX);
  mkdirSync(`${PLACES.var}/config`, { recursive: true });
  writeFileSync(`${PLACES.var}/config/silo.yaml`, String(silo));
}

async function approve(desk: Desk): Promise<void> {
  cpSync(new URL("./agent", import.meta.url), `${PLACES.var}/agents/${ROLE}`, { recursive: true });
  const { agents } = await desk.ask("agent_list", {});
  const folder = agents.find(({ role }) => role === ROLE)?.folder ?? "";
  await desk.ask("agent_approve", { role: ROLE, folder });
}

function leftOfCells(): number {
  const commands = Object.values(isolations).flatMap(({ mark }) => processesOf(mark.program, mark.argument));
  return processesIn(allUids).length + commands.length;
}

/** Where something is mounted, and what. */
function mountsNow(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(" ").slice(3, 5).join(" on "));
}
