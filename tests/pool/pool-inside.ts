/**
 * A whole appliance whose agents do nothing: so many tasks through its pool, half of them in each isolation or all in one; then what is left of
 * their cells, and what the processes that served them have grown by;
 * then one guard of its cells is really taken away. Prints what it found as JSON.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
/** More than come up at once, so that two cores are busy; less than there are slots, so that cells can wait. */
const AT_ONCE = 3;
const PROGRESS_TASKS = 250;
const OUTLIVE = ["kernel", "door", "vault", "jailer", "ingress"] as const;
const POLL_MS = 20;
const PATIENCE_MS = 60_000;
const MAIN = 'import silo\n\n\ndef run(task: silo.Task) -> None:\n    silo.complete("done")\n';
const POLICY = (isolation: string) =>
  `role: hello\nisolation: ${isolation}\ndeadline_seconds: 60\nresources: { memory_mib: 64, work_mib: 1, processes: 8, files: 64 }\ncapabilities: {}\n`;

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "10000" },
    isolation: { type: "string" },
    port: { type: "string", default: "18445" },
  },
});
const tasks = Number(values.tasks);
const isolations = values.isolation === undefined ? ["nspawn", "gvisor"] : [values.isolation];
shareNothing();
const world = await startWorld({ port: Number(values.port) });
try {
  await world.appliance.waitReady();
  const frontend = openFrontend(PLACES, "shop");
  const found = await withKernel(PLACES, "admin", (ask) => play(ask, frontend));
  console.log(JSON.stringify(found));
  const isKept = found.cells === tasks + 1 && found.claims === found.cells && found.unended + found.left.length === 0;
  process.exitCode = isKept ? 0 : 1;
} finally {
  await world.stop({ forget: true });
}

async function play(ask: Ask, frontend: Frontend) {
  // Everything has begun that begins with the first task.
  await approve(ask, "nspawn");
  await run(frontend);
  await drained(ask);
  const before = thingsNow();
  const resident = { before: residentMib(), after: {} };
  const perSecond: Record<string, number> = {};
  for (const isolation of isolations) {
    await approve(ask, isolation);
    perSecond[isolation] = await runAll(ask, frontend, isolation, tasks / isolations.length);
  }
  resident.after = residentMib();
  const { pool } = await ask("status", {});
  await drained(ask);
  const left = newThings(before, thingsNow());
  const cells = cellsOf(await entries(ask));
  return {
    tasks,
    ...cells,
    taken: pool.taken,
    cold: pool.cold,
    perSecond,
    resident,
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

/** Whenever a cell waits, but more tasks than there are such cells: some are started cold. Returns how many a second. */
async function runAll(ask: Ask, frontend: Frontend, isolation: string, count: number): Promise<number> {
  const start = performance.now();
  let begun = 0;
  let over = 0;
  const perSecond = () => over / ((performance.now() - start) / 1000);
  const worker = async () => {
    while (begun++ < count) {
      await until("a cell waits", async () => (await ask("status", {})).pool.waiting.length > 0);
      await run(frontend);
      if (++over % PROGRESS_TASKS === 0) progress(isolation, over, count, perSecond());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return perSecond();
}

function progress(isolation: string, over: number, count: number, perSecond: number): void {
  const minutes = ((count - over) / perSecond / 60).toFixed(1);
  const resident = JSON.stringify(residentMib());
  console.error(
    `${isolation}: ${over} of ${count} tasks, ${perSecond.toFixed(2)} a second, ${minutes} minutes to go, ${resident} MiB`,
  );
}

/** What the processes that outlive cells hold in memory of their own (proc_pid_status(5): RssAnon), in MiB. */
function residentMib(): Record<string, number> {
  const mib = (name: (typeof OUTLIVE)[number]) => {
    const status = readFileSync(`/proc/${world.appliance.pid(name)}/status`, "utf8");
    return Math.round(Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
  };
  return Object.fromEntries(OUTLIVE.map((name) => [name, mib(name)]));
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
