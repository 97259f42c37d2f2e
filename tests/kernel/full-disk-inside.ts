/** Child of full-disk.test.ts: a store, its log and its stop, under load on a disk that runs full, or takes nothing. Prints what came of it. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readKey } from "../../console/audit/note.ts";
import { verifyLog } from "../../console/audit/verify.ts";
import { logSize } from "../../kernel/audit/log.ts";
import { logKey } from "../../kernel/audit/note.ts";
import { openPublisher } from "../../kernel/audit/publish.ts";
import { groupCommit } from "../../kernel/commit.ts";
import { note } from "../../kernel/core.ts";
import { openLog } from "../../kernel/process/log.ts";
import { openReserve } from "../../kernel/reserve.ts";
import { openStop } from "../../kernel/stop.ts";
import { openStore } from "../../kernel/store.ts";
import { only } from "./audit/log-world.ts";

/** `full`; `dies`: its disk takes nothing from some moment on; `after`: the life behind it, with what that one was told (JSON). */
const [root = "", how = "", earlier = "[]"] = process.argv.slice(2);
const RESERVE_BYTES = 12 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 1);
const WRITERS = 20;
const PATIENCE_MS = 20_000;

const folder = join(root, "kernel");
mkdirSync(folder, { recursive: true });
if (how === "after") limit("0:unlimited");
const log = openLog("kernel");
log.level = "silent";
const key = logKey("silo/test", Buffer.alloc(32, 1));
let store = openStore(folder);
const reserve = openReserve(folder, RESERVE_BYTES);
const { commit, blocked } = groupCommit(store, () => stop.mayWrite());
const said = { stops: 0, resumes: 0 };
const stop = openStop({
  ...{ reserve, now: Date.now, log, blocked },
  note: (verb, code) => commit(() => note({ store, now: Date.now }, verb, { code })),
  onStop: () => said.stops++,
  onResume: () => said.resumes++,
});
await reserve.make();
const begun = await stop.begin(commit(() => true));
said.resumes = 0;
const publisher = openPublisher({ store, commit, folder: join(root, "audit"), keys: only(key) });
const timer = setInterval(() => void publisher.tend().then(() => stop.tend(publisher.state().fault)), 50);

// Load: each begins something only while it may, and is told of it only when it is on disk.
const told: number[] = [];
let asked = how === "after" ? 1_000_000 : 0;
let refused = 0;
let loading = true;
const writers = Array.from({ length: WRITERS }, async () => {
  while (loading) {
    await pause(Math.random() * 5);
    if (stop.refusal() !== null) refused++;
    else await commit(() => begin(asked++)).then(tell);
  }
});

async function fullAndBack() {
  const spoiled = fill();
  await until(() => stop.why() !== null, "the stop");
  const code = stop.why()?.code;
  const logged = await logsTheStop();
  const greedy = fill();
  await until(() => blocked() || goOn(), "nothing can be written");
  const before = told.length;
  await pause(1200);
  const toldWhileBlocked = told.length - before;
  greedy();
  spoiled();
  await until(() => stop.why() === null, "going on");
  const at = told.length;
  await until(() => told.length > at + 100, "work after it");
  return { code, logged, toldWhileBlocked, ...said };
}

/** What has begun may still end; at last it has to wait. */
function goOn(): false {
  for (let n = 0; n < 100; n++) void commit(() => begin(asked++)).then(tell);
  return false;
}

function tell(n: number): void {
  told.push(n);
  if (how === "dies") console.log(n);
}

function begin(n: number): number {
  store.meta.put(`n${n}`, "x".repeat(2000));
  note({ store, now: Date.now }, "sign_in", { who: "admin", decision: "allowed" });
  return n;
}

if (how === "after") {
  await until(() => stop.why() !== null && blocked(), "the stop at the start");
  console.error(JSON.stringify({ begun, stopped: stop.why()?.code }));
  limit("unlimited:unlimited");
}
await until(() => told.length > 100, "work");
if (how === "dies") {
  limit("0:unlimited"); // the disk takes nothing more, and the process ends
  await pause(PATIENCE_MS);
}
const came = how === "full" ? await fullAndBack() : {};
loading = false;
await Promise.all(writers);
clearInterval(timer);
await publisher.tend();
await publisher.tend();
await store.close();

store = openStore(folder);
const missing = [...told, ...(JSON.parse(earlier) as number[])].filter((n) => !store.meta.has(`n${n}`)).length;
const kept = store.meta.all().filter(({ key }) => /^n[0-9]/.test(String(key))).length;
const entries = store.audit.all().map(({ value }) => JSON.parse(value.entry) as { verb: string });
const count = (verb: string) => entries.filter((entry) => entry.verb === verb).length;
const verified = (await verifyLog({ folder: join(root, "audit"), key: readKey(key.verifier) }, 1)).size;
console.log(
  JSON.stringify({
    ...{ ...came, missing, reserved: reserve.isThere(), refused: refused > 0 },
    unlogged: kept - count("sign_in"),
    log: { stops: count("log_stop"), resumes: count("log_resume"), unverified: logSize(store) - verified },
  }),
);
await store.close();

/** With the reserve that is released, the entry is written and under a checkpoint while the disk is full. */
async function logsTheStop(): Promise<boolean> {
  await until(() => publisher.state().published === logSize(store), "the stop is published");
  return store.audit.all().some(({ value }) => (JSON.parse(value.entry) as { verb: string }).verb === "log_stop");
}

/** Takes all the space there is; gives it back when called. */
function fill(): () => void {
  const path = join(root, `filler-${Math.random()}`);
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, CHUNK);
  } catch {
    closeSync(file);
  }
  return () => rmSync(path);
}

/** With 0 no file may grow: every write is a real error (EFBIG). */
function limit(bytes: string): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}`]);
}

async function until(so: () => boolean, what: string): Promise<void> {
  for (const late = Date.now() + PATIENCE_MS; !so(); await pause(5))
    if (Date.now() > late) throw new Error(`Waited in vain for ${what}: ${JSON.stringify(stop.why())}`);
}
