/**
 * A whole appliance whose agents do nothing: so many tasks through its pool, half of them in each isolation; then what is left of their cells;
 * then one guard of its cells is really taken away. Prints what it found as JSON.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Frontend, openFrontend } from "../../console/cli/frontend.ts";
import { type Ask, withKernel } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { startWorld } from "../../console/trial/world.ts";
import type { Entry } from "../../kernel/abi/entry.ts";
import { newThings, shareNothing, thingsNow } from "./left.ts";

const PLACES: Places = { name: "/", etc: "/etc/silo", var: "/var/silo", run: "/run/silo" };
const SOCKETS = `${PLACES.run}/cells`;
const AT_ONCE = 2;
const POLL_MS = 20;
const PATIENCE_MS = 60_000;
const MAIN = 'import silo\n\n\ndef run(task: silo.Task) -> None:\n    silo.complete("done")\n';
const POLICY = (isolation: string) =>
  `role: hello\nisolation: ${isolation}\ndeadline_seconds: 60\nresources: { memory_mib: 64, work_mib: 1, processes: 8, files: 64 }\ncapabilities: {}\n`;

const { values } = parseArgs({ options: { tasks: { type: "string" }, port: { type: "string", default: "18445" } } });
const tasks = Number(values.tasks);
shareNothing();
const world = await startWorld({ port: Number(values.port) });
try {
  await world.appliance.waitReady();
  const frontend = openFrontend(PLACES, "shop");
  console.log(JSON.stringify(await withKernel(PLACES, "admin", (ask) => play(ask, frontend))));
} finally {
  await world.stop({ forget: true });
}

async function play(ask: Ask, frontend: Frontend) {
  // Everything has begun that begins with the first task.
  await approve(ask, "nspawn");
  await run(frontend);
  await drained(ask);
  const before = thingsNow();
  const began = performance.now();
  for (const isolation of ["nspawn", "gvisor"]) {
    await approve(ask, isolation);
    await runAll(ask, frontend, tasks / 2);
  }
  const seconds = (performance.now() - began) / 1000;
  const { pool } = await ask("status", {});
  await drained(ask);
  const left = newThings(before, thingsNow());
  const cells = cellsOf(await entries(ask));
  return {
    tasks,
    ...cells,
    taken: pool.taken,
    cold: pool.cold,
    perSecond: tasks / seconds,
    left,
    gate: await gate(ask, frontend),
  };
}

async function approve(ask: Ask, isolation: string): Promise<void> {
  const folder = `${PLACES.var}/agents/hello`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/main.py`, MAIN);
  writeFileSync(`${folder}/policy.yaml`, POLICY(isolation));
  const { agents } = await ask("agent_list", {});
  const shown = agents.find(({ role }) => role === "hello")?.folder ?? "";
  await ask("agent_approve", { role: "hello", folder: shown });
  await ask("agent_online", { role: "hello" });
}

/** Whenever a cell waits, but more tasks than there are such cells: some are started cold. */
async function runAll(ask: Ask, frontend: Frontend, count: number): Promise<void> {
  let begun = 0;
  const worker = async () => {
    while (begun++ < count) {
      await until("a cell waits", async () => (await ask("status", {})).pool.waiting.length > 0);
      await run(frontend);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** One task from its submission to its answer. */
async function run(frontend: Frontend): Promise<void> {
  const { task } = await submit(frontend);
  await until(`${task} has its answer`, async () => typeof (await frontend.get(task)).answer === "object");
}

function submit(frontend: Frontend) {
  return frontend.post({ kind: "hello", text: "", fields: {}, customer: null }, randomUUID());
}

/** Nobody has a cell, and none waits. */
async function drained(ask: Ask): Promise<void> {
  await ask("agent_offline", { role: "hello" });
  await until("no cell is left", async () => {
    const { slots, pool } = await ask("status", {});
    return slots.used === 0 && pool.waiting.length === 0 && !thingsNow().some((thing) => thing.startsWith("process"));
  });
}

async function entries(ask: Ask): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const page: Awaited<ReturnType<typeof read>> = await read(ask, from);
    all.push(...page.entries.map(({ entry }) => entry as Entry));
    from = page.next;
  }
  return all;
}

function read(ask: Ask, from: number) {
  return ask("audit_show", { task: null, from, limit: 1000 });
}

/** As the log has them: which cells got tasks, and whether each that began has ended. */
function cellsOf(all: readonly Entry[]) {
  const named = (verb: Entry["verb"]) => all.filter((entry) => entry.verb === verb).map(({ cell }) => cell);
  const ended = new Set(named("cell_end"));
  const claimed = named("claim");
  return {
    claims: claimed.length,
    cells: new Set(claimed).size,
    unended: named("cell_start").filter((cell) => !ended.has(cell)).length,
  };
}

/** Another socket becomes visible in every cell: the next one finds it, and a task waits until it is gone and an administrator says so. */
async function gate(ask: Ask, frontend: Frontend) {
  const slots = readdirSync(SOCKETS).map((slot) => `${SOCKETS}/${slot}`);
  for (const slot of slots) {
    chmodSync(slot, 0o755);
    mkdirSync(`${slot}/other`);
  }
  await approve(ask, "nspawn");
  await until("it stops", async () => (await ask("status", {})).halted !== null);
  const { halted } = await ask("status", {});
  const { task } = await submit(frontend);
  await pause(1000);
  const meanwhile = (await frontend.get(task)).state;
  for (const slot of slots) {
    rmSync(`${slot}/other`, { recursive: true });
    chmodSync(slot, 0o711);
  }
  const { resumed } = await ask("cells_resume", {});
  await until("the task has its answer", async () => typeof (await frontend.get(task)).answer === "object");
  const logged = (await entries(ask)).filter(({ verb }) => verb === "cells_halt" || verb === "cells_resume");
  return { check: halted?.check, meanwhile, resumed, logged: logged.map(({ verb, code, who }) => [verb, code, who]) };
}

async function until(what: string, so: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await so()); await pause(POLL_MS))
    if (Date.now() > end) throw new Error(`It did not happen in time: ${what}.`);
}
