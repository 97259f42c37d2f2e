/**
 * The claim under load: tasks arrive all the time while processes are killed at random, often while others have not come back yet. Nothing
 * accepted is lost, nothing happens twice. Runs inside the build root.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { ServiceName } from "../../console/up/processes.ts";
import { allUids, processesIn } from "../../jail/processes.ts";
import type { Ended } from "./frontend.ts";
import { countEffects, type Job, makeJobs } from "./jobs.ts";
import { faultsLeft, watchLog } from "./left.ts";
import { BROKEN, type Came, isDoubled, isLost, isUnknown } from "./verdict.ts";
import { type CrashWorld, startCrashWorld, victims } from "./world.ts";

const TASKS_AT_ONCE = 4;
/** Between two tasks of one frontend: without gaps no cell would ever wait. */
const GAP_MS_MAX = 1000;
/** Cells that wait for a task, beside those that have one: they are killed like all others. */
const WAITING = 3;
/** Kills one after the other, whatever has come back between them; then everything serves again, and for a moment nothing is killed. */
const BURST_MAX = 6;
const BETWEEN_MS_MAX = 300;
const REST_MS_MAX = 1200;
const PROGRESS_KILLS = 25;
/** Between two looks whether a process has been started again. */
const GONE_MS = 5;

type Over = { job: Job; ended: Ended };
type Report = { kills: number; accepted: number; ended: number; lost: number; doubled: number; unknown: number };

/** So many, of this process alone or of all. */
export type Killing = { kills: number; only: ServiceName | null };

/** Kills random processes at random instants, waits for every task, prints the report. After each start the log is held against what it was. Returns the exit status. */
export async function crashAtRandom({ kills, only }: Killing, json: boolean): Promise<number> {
  const crash = await startCrashWorld({ marked: false, slots: TASKS_AT_ONCE + WAITING, waiting: WAITING });
  const jobs = makeJobs();
  const over: Over[] = [];
  let killing = true;
  const frontends = Array.from({ length: TASKS_AT_ONCE }, async () => {
    for (let job = jobs.pop(); killing && job !== undefined; job = jobs.pop()) {
      over.push({ job, ended: await crash.frontend.endOf(await crash.frontend.submit(job)) });
      await pause(Math.random() * GAP_MS_MAX);
    }
  });
  const { warm, broken } = await killMany(crash, { kills, only }, () => over.length);
  killing = false;
  await Promise.all(frontends);
  const came = await counted(crash, await Promise.all(over.map((one) => askedAgain(crash, one))));
  const report = { ...reportOf(kills, came), warm };
  await crash.goOffline();
  const restless = await crash.quiet().catch((error: Error) => error.message);
  const isKept = report.lost === 0 && report.doubled === 0 && restless === undefined;
  await crash.stop({ forget: isKept });
  const faults = [...broken, ...(await faultsLeft(came))];
  for (const one of came.filter((one) => isLost(one) || isDoubled(one))) console.error(JSON.stringify(one));
  for (const sentence of [...(restless === undefined ? [] : [restless]), ...faults]) console.error(sentence);
  console.log(json ? JSON.stringify(report) : words(report));
  return isKept && faults.length === 0 ? 0 : BROKEN;
}

/** `warm`: how many tasks found their cell waiting, at the least: a kernel that is killed forgets its count. `broken`: what the log did not hold. */
async function killMany(
  crash: CrashWorld,
  { kills, only }: Killing,
  ended: () => number,
): Promise<{ warm: number; broken: string[] }> {
  const checkLog = watchLog();
  const broken: string[] = [];
  const begun = Date.now();
  let warm = 0;
  for (let killed = 0; killed < kills; ) {
    const burst = Math.min(kills - killed, 1 + Math.floor(Math.random() * BURST_MAX));
    for (let kill = 0; kill < burst; killed += 1, kill++) {
      await pause(Math.random() * BETWEEN_MS_MAX);
      await killOne(crash, only);
      if ((killed + 1) % PROGRESS_KILLS === 0) progress(killed + 1, kills, ended(), Date.now() - begun);
    }
    await crash.appliance.waitReady();
    broken.push(...(await checkLog()));
    const before = await taken(crash);
    await pause(Math.random() * REST_MS_MAX);
    warm += (await taken(crash)) - before;
  }
  return { warm, broken };
}

async function taken({ desk }: CrashWorld): Promise<number> {
  return (await desk.ask("status", {})).pool.taken;
}

/** One that runs: a process of ours, or what runs in a cell. */
async function killOne({ appliance }: CrashWorld, only: ServiceName | null): Promise<void> {
  if (only !== null) {
    while (appliance.pid(only) === undefined) await pause(GONE_MS);
    return appliance.kill9(only);
  }
  for (;;) {
    const running = [...victims.filter((name) => appliance.pid(name) !== undefined), "cell" as const];
    const victim = running[Math.floor(Math.random() * running.length)] ?? "cell";
    if (victim !== "cell") return appliance.kill9(victim);
    const pids = processesIn(allUids);
    const pid = pids[Math.floor(Math.random() * pids.length)];
    if (pid !== undefined && killed(pid)) return;
  }
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false; // it ended by itself
  }
}

function progress(killed: number, kills: number, ended: number, millis: number): void {
  const minutes = ((millis / killed) * (kills - killed)) / 60_000;
  console.error(`${killed} of ${kills} kills, ${ended} tasks ended, ${minutes.toFixed(1)} minutes to go`);
}

/** Killing can hold a task up for longer than it is waited for; what counts is whether it has ended when the killing is over. */
async function askedAgain({ frontend }: CrashWorld, { job, ended }: Over): Promise<Over> {
  return { job, ended: ended.end === "STUCK" ? await frontend.endOf(ended.task) : ended };
}

async function counted(crash: CrashWorld, over: readonly Over[]): Promise<Came[]> {
  const completed = over.filter(({ ended }) => ended.end === "Completed").length;
  const effects = await countEffects(
    crash.outside,
    over.map(({ job }) => job),
    completed,
  );
  return over.map(({ ended }, index) => {
    const found = effects[index] ?? { refunds: 0, emails: 0, sms: 0 };
    return { ...ended, ...found, deliveries: crash.frontend.deliveriesOf(ended.task) };
  });
}

function reportOf(kills: number, came: readonly Came[]): Report {
  return {
    kills,
    accepted: came.length,
    ended: came.filter(({ end }) => end !== "STUCK").length,
    lost: came.filter((one) => isLost(one) && !isDoubled(one)).length,
    doubled: came.filter(isDoubled).length,
    unknown: came.filter(isUnknown).length,
  };
}

function words({ kills, accepted, ended, lost, doubled, unknown, warm }: Report & { warm: number }): string {
  return `${kills} kills: ${accepted} tasks accepted, ${ended} ended, ${lost} lost, ${doubled} done twice, ${unknown} with UNKNOWN_OUTCOME before a human; ${warm} found their cell waiting`;
}
