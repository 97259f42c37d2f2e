/**
 * The jailer is killed while cells of it live: one that ignores every signal, and those that wait. Prints, as JSON, how many of their processes
 * outlived it, and how many were left when a new jailer served; ends well when a task is then done. Runs inside the build root, on a state of its own.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openFrontend, patiently } from "../../console/cli/frontend.ts";
import type { Places } from "../../console/cli/places.ts";
import { startWorld } from "../../console/trial/world.ts";
import { allUids, processesIn } from "../../jail/processes.ts";
import { openDesk } from "./desk.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
const POLL_MS = 20;
const PATIENCE_MS = 90_000;
const MAIN = `
import signal, silo, time
def run(task):
    if 'stay' not in task.fields: return silo.complete('done')
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP): signal.signal(number, signal.SIG_IGN)
    time.sleep(600)
`;

const { values } = parseArgs({ options: { isolation: { type: "string" }, port: { type: "string" } } });
const desk = openDesk(PLACES);
const world = await startWorld({ port: Number(values.port) });
try {
  await world.appliance.waitReady();
  await approve();
  const stays = await submit({ stay: 1 });
  await until("it runs", async () => (await get(stays)).state === "leased");
  await until("another waits", async () => (await desk.ask("status", {})).pool.waiting.length > 0);
  const cells = processesIn(allUids);
  await world.appliance.kill9("jailer");
  const outlived = alive(cells);
  await until("it is there again", async () => world.appliance.pid("jailer") !== undefined);
  await world.appliance.waitReady();
  const left = alive(cells);
  // On a busy machine a cell may come up too late, again and again.
  await until("a task is done", async () => (await endOf(await submit({}))) === "Completed");
  console.log(JSON.stringify({ cells: cells.length, outlived: outlived.length, left: left.length }));
} finally {
  desk.close();
  await world.stop({ forget: true });
}

async function approve(): Promise<void> {
  const folder = `${PLACES.var}/agents/hello`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/main.py`, MAIN);
  const resources = "resources: { memory_mib: 64, work_mib: 1, processes: 8, files: 64 }";
  const policy = ["role: hello", `isolation: ${values.isolation}`, resources, "capabilities: {}", ""];
  writeFileSync(`${folder}/policy.yaml`, policy.join("\n"));
  const { agents } = await desk.ask("agent_list", {});
  const shown = agents.find(({ role }) => role === "hello")?.folder ?? "";
  await desk.ask("agent_approve", { role: "hello", folder: shown });
}

async function submit(fields: Record<string, number>): Promise<string> {
  const key = randomUUID();
  const body = { kind: "hello", text: "", fields, customer: null };
  return (await patiently(() => openFrontend(PLACES, "shop").post(body, key), Date.now() + PATIENCE_MS)).task;
}

function get(task: string) {
  return patiently(() => openFrontend(PLACES, "shop").get(task), Date.now() + PATIENCE_MS);
}

async function endOf(task: string): Promise<string | null> {
  await until(`${task} has its answer`, async () => typeof (await get(task)).answer === "object");
  return (await get(task)).event;
}

/** Those of `pids` that are still of a cell's users. */
function alive(pids: readonly number[]): number[] {
  const now = new Set(processesIn(allUids));
  return pids.filter((pid) => now.has(pid));
}

async function until(what: string, so: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await so()); await pause(POLL_MS))
    if (Date.now() > end) throw new Error(`It did not happen in time: ${what}.`);
}
