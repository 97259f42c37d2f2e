/** Chapters: an agent that wants out. It tries everything it has got, and reports what it got for it. */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { CELL_UID_BASE, UIDS_PER_SLOT } from "../../../kernel/abi/bounds.ts";
import type { AuditLine } from "../../../kernel/abi/console-messages.ts";
import { isolationDifference } from "../../cli/grant-text.ts";
import { digestOfFile, freeBytes } from "./host.ts";
import { type Scene, until } from "./scene.ts";
import { entriesOf, entryWords, fieldsOf } from "./words.ts";

const CUSTOMER = "C0200";
/** Orders of another customer, and of the customer's own. */
const OTHER_ORDER = "O1234";

/** Towards the membrane: what each attempt must end with. */
const MEMBRANE: Record<string, { tries: string; code: string }> = {
  other_customer: { tries: "to name another customer", code: "ARGUMENT_INVALID" },
  other_order: { tries: "another customer's order", code: "NOT_FOUND" },
  not_granted: { tries: "a capability it was not granted", code: "CAPABILITY_NOT_GRANTED" },
  unknown_argument: { tries: "an argument that does not exist", code: "ARGUMENT_INVALID" },
  forged_key: { tries: "a forged task key", code: "KEY_INVALID" },
  expired_key: { tries: "a real key that has expired", code: "KEY_EXPIRED" },
  other_key: { tries: "a real key of another cell", code: "KEY_MISMATCH" },
};
const REPLAY = "REPLAY_DIVERGED";

/** Towards the machine: the system's own errno, whichever of its layers spoke first. */
const MACHINE: Record<string, string> = {
  raw_socket: "a raw socket",
  packet_socket: "a packet socket",
  host_file: "a file of the host",
  host_state: "the state of SiloOS",
  host_disk: "a device node",
  user_namespace: "a namespace of its own",
  big_file: "a file of 10 GB",
  fork_bomb: "a fork bomb",
};

/** A first run that keeps its keys. Run it early: they must have had time to expire. */
export async function collectKeys(scene: Scene): Promise<{ key: string; expires: number }> {
  const task = await scene.submit({ kind: "hostile", customer: CUSTOMER, fields: { attack: "collect" } });
  const fields = fieldsOf(await scene.answer(task));
  return { key: String(fields["task_key"] ?? ""), expires: Number(fields["expires"] ?? 0) * 1000 };
}

export async function tellHostile(scene: Scene, old: { key: string; expires: number }): Promise<void> {
  const { teller } = scene;
  teller.chapter("An agent that wants out");
  const wait = old.expires + 1000 - Date.now();
  if (wait > 0) {
    teller.say(`It kept the keys of an earlier run. Waiting ${Math.ceil(wait / 1000)} s until they have expired.`);
    await pause(wait);
  }
  const other = await collectKeys(scene);
  const before = hostState();
  const task = await scene.submit({
    kind: "hostile",
    customer: CUSTOMER,
    fields: { expired_key: old.key, other_key: other.key, other_order: OTHER_ORDER },
  });
  const meanwhile = await greetMeanwhile(scene);
  const answer = await scene.answer(task);
  const got = fieldsOf(answer);
  const entries = await scene.audit(task);

  teller.say(`Towards the membrane (${task}):`);
  const logged = entriesOf(
    Object.values(MEMBRANE).map(({ code }) => code),
    entries,
  );
  for (const [at, [name, { tries, code }]] of Object.entries(MEMBRANE).entries())
    teller.fact(got[name] === code && logged[at] !== undefined, `${tries}: ${got[name]}${place(logged[at])}`);
  await tellReplay(scene);

  tellMachine(scene, task, got);
  teller.fact(meanwhile, "another task ran meanwhile, and was answered");
  await tellHost(scene, before);
  const end = entries.findLast(({ entry }) => entry["verb"] === "settle");
  teller.fact(end !== undefined, `the end of its cell is in the log: ${end === undefined ? "" : entryWords(end)}`);
}

function tellMachine({ teller }: Scene, task: string, got: Record<string, unknown>): void {
  teller.say(`Towards the machine (${task}):`);
  for (const [name, tries] of Object.entries(MACHINE))
    teller.fact(/^E[A-Z0-9]+$/.test(String(got[name])), `${tries}: ${got[name]}`);
}

/** The same agent in the other isolation: its folder asks for it, and an administrator sees that and approves. */
export async function tellHostileInNspawn(scene: Scene): Promise<void> {
  const { teller, admin } = scene;
  teller.chapter("The same agent asks for cells of nspawn");
  const before = hostState();
  appendFileSync("/var/silo/agents/hostile/policy.yaml", "isolation: nspawn\n");
  const { agents } = await admin("agent_list", {});
  const asking = agents.find(({ role }) => role === "hostile");
  for (const line of isolationDifference(asking?.isolation ?? { asked: null, approved: null })) teller.say(line);
  const { agent } = await admin("agent_approve", { role: "hostile", folder: asking?.folder ?? "" });
  teller.fact(agent.isolation.approved === "nspawn", `hostile is ${agent.state}, its cells held by nspawn`);
  const task = await scene.submit({ kind: "hostile", customer: CUSTOMER, fields: { other_order: OTHER_ORDER } });
  tellMachine(scene, task, fieldsOf(await scene.answer(task)));
  await tellHost(scene, before);
}

/** A step that was done, again with other arguments: that ends the run, so it is a task of its own. */
async function tellReplay(scene: Scene): Promise<void> {
  const task = await scene.submit({ kind: "hostile", customer: CUSTOMER, fields: { attack: "replay" } });
  const { state, event } = await scene.answer(task);
  const logged = (await scene.audit(task)).find(({ entry }) => entry["code"] === REPLAY);
  scene.teller.fact(
    logged !== undefined,
    `other arguments in a step it had done: ${REPLAY}${place(logged)}; ${task} is ${event ?? state}`,
  );
}

function place(logged: AuditLine | undefined): string {
  return logged === undefined ? ", and NOT in the log" : `, log entry #${logged.index}`;
}

async function greetMeanwhile(scene: Scene): Promise<boolean> {
  const task = await scene.submit({ kind: "hello", customer: CUSTOMER });
  return (await scene.answer(task)).event === "Completed";
}

type HostState = { shadow: string; free: number };

function hostState(): HostState {
  return { shadow: digestOfFile("/etc/shadow"), free: freeBytes("/var/silo") };
}

/** A cell that has answered takes a moment to be cleared away. */
const CLEARED_MS = 10_000;
/** What a gigabyte on the host's disk would look like. */
const NOTICEABLE_BYTES = 1024 ** 3;

async function tellHost({ teller, admin }: Scene, before: HostState): Promise<void> {
  const after = hostState();
  const unchanged = after.shadow === before.shadow && before.free - after.free < NOTICEABLE_BYTES;
  teller.fact(unchanged, "the host's files and its disk are as they were");
  const left = await until(
    async () => slotsWithProcesses() - (await waitingCells(admin)),
    (slots) => slots === 0,
    CLEARED_MS,
  );
  teller.fact(left === 0, `cells that are left on the host, beside those that wait for work: ${left}`);
}

/** Slots of which any process runs: each has a range of users of its own. */
function slotsWithProcesses(): number {
  const users = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(uidOf)
    .filter((uid) => uid >= CELL_UID_BASE);
  return new Set(users.map((uid) => Math.floor((uid - CELL_UID_BASE) / UIDS_PER_SLOT))).size;
}

async function waitingCells(admin: Scene["admin"]): Promise<number> {
  const { pool } = await admin("status", {});
  return pool.waiting.reduce((sum, { cells }) => sum + cells, 0);
}

function uidOf(pid: string): number {
  try {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return 0; // it has just ended
  }
}
