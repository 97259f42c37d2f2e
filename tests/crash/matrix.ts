/**
 * The claim: whatever is killed at whichever boundary of a task's life, the task ends; each of its effects happened once, or nobody can
 * tell and a human is asked (UNKNOWN_OUTCOME); its answer arrived under one id; nothing of a cell is left.
 *
 * One task a kill, all on one appliance. Runs inside the build root.
 */
import { setTimeout as pause } from "node:timers/promises";
import { allUids, processesIn } from "../../jail/processes.ts";
import { common, type Kill, killsAt, placeOf, recording, shareOf, type Victim } from "./boundaries.ts";
import { countEffects, type Job, makeJobs } from "./jobs.ts";
import { faultsLeft } from "./left.ts";
import { killAll } from "./outside.ts";
import { announce, type Plan, release, wasShot, withdraw } from "./points/plan.ts";
import { BROKEN, type Came, isDoubled, isLost, isUnknown } from "./verdict.ts";
import { type CrashWorld, startCrashWorld } from "./world.ts";

/** None waits: a cell is started when its task comes, so that each boundary is about the one task. */
const SLOTS = 4;
const RECORDS = 2;
const SHOT_POLL_MS = 5;
/** What comes after the task is over comes within so long: the SMSC takes up to five seconds for a receipt. */
const LATE_MS_MAX = 8000;
/** Only these cannot be asked what they did: nobody can tell after one of them died in the middle. */
const UNTELLABLE: readonly string[] = ["email", "sms"];

type Run = Kill & Came & { crossed: boolean; holds: boolean };
type Sum = { boundaries: number; kills: number; passed: number; failed: number; missed: number; unknown: number };

/** `share`: K/N. `at`: words in the name of each place. */
export type Choice = { share: string; at: string };

/** Kills at every boundary of the choice, prints each run and a sum. Returns the exit status. */
export async function crashAtBoundaries({ share, at }: Choice, json: boolean): Promise<number> {
  const crash = await startCrashWorld({ marked: true, slots: SLOTS, waiting: 0 });
  const jobs = makeJobs();
  const all = await enumerate(crash, jobs);
  const kills = shareOf(all, share).filter((kill) => placeOf(kill).includes(at));
  const runs: Run[] = [];
  const begun = Date.now();
  for (const kill of kills) {
    const run = await killAt(crash, jobs.pop() as Job, kill, `kill-${runs.length}`);
    runs.push(run);
    console.log(json ? JSON.stringify(run) : words(run));
    const minutes = ((Date.now() - begun) / runs.length) * (kills.length - runs.length);
    if (runs.length % 25 === 0)
      console.error(`${runs.length} of ${kills.length}, ${(minutes / 60_000).toFixed(1)} minutes to go`);
  }
  const sum = sumOf(all.length, runs);
  await crash.stop({ forget: sum.failed === 0 });
  const faults = await faultsLeft([]);
  for (const fault of faults) console.error(fault);
  console.log(json ? JSON.stringify(sum) : `${sum.passed} passed, ${sum.failed} failed, ${sum.missed} missed`);
  return sum.failed === 0 && sum.missed === 0 && faults.length === 0 ? 0 : BROKEN;
}

/** The first task is not counted: what is done once in the life of a process is done then. */
async function enumerate(crash: CrashWorld, jobs: Job[]): Promise<Kill[]> {
  const once = async () => {
    await crash.frontend.endOf(await crash.frontend.submit(jobs.pop() as Job));
    await crash.quiet();
  };
  await once();
  const records: Map<string, number>[] = [];
  for (let round = 0; round < RECORDS; round++) records.push(await recording(`record-${round}`, once));
  return killsAt(common(records));
}

async function killAt(crash: CrashWorld, job: Job, kill: Kill, id: string): Promise<Run> {
  const plan: Plan = { ...kill, id, act: kill.victim === "itself" ? "die" : "hold" };
  announce(plan);
  const over = { yes: false };
  const killing = kill.victim === "itself" ? undefined : killOther(crash, kill.victim, plan, over);
  const ended = await crash.frontend.endOf(await crash.frontend.submit(job));
  await crash.quiet();
  for (const until = Date.now() + LATE_MS_MAX; !wasShot(plan) && Date.now() < until; ) await pause(SHOT_POLL_MS);
  await crash.quiet();
  over.yes = true;
  await killing;
  withdraw();
  const [effects] = await countEffects(crash.outside, [job], ended.end === "Completed" ? 1 : 0);
  const came: Came = {
    ...ended,
    ...(effects ?? { refunds: 0, emails: 0, sms: 0 }),
    deliveries: crash.frontend.deliveriesOf(ended.task),
  };
  return { ...kill, ...came, crossed: wasShot(plan), holds: holds(kill, came) };
}

/** Kills something else while the process stands still at its place. */
async function killOther({ outside }: CrashWorld, victim: Victim, plan: Plan, over: { yes: boolean }): Promise<void> {
  while (!wasShot(plan)) {
    if (over.yes) return;
    await pause(SHOT_POLL_MS);
  }
  if (victim === "cell") await killAll(() => processesIn(allUids));
  if (victim === "postgres") await outside.killPostgres();
  if (victim === "smtpd") await outside.killSmtp();
  release(plan);
}

function holds({ process }: Kill, came: Came): boolean {
  if (isLost(came) || isDoubled(came)) return false;
  return !isUnknown(came) || UNTELLABLE.includes(process);
}

function sumOf(boundaries: number, runs: readonly Run[]): Sum {
  const count = (is: (run: Run) => boolean) => runs.filter(is).length;
  return {
    boundaries,
    kills: count(({ crossed }) => crossed),
    passed: count(({ crossed, holds }) => crossed && holds),
    failed: count(({ holds }) => !holds),
    missed: count(({ crossed, holds }) => !crossed && holds),
    unknown: count(isUnknown),
  };
}

function words(run: Run): string {
  const { end, refunds, emails, sms, notes } = run;
  const verdict = !run.holds ? "FAIL" : run.crossed ? "ok  " : "miss";
  return `${verdict} ${placeOf(run)}: ${end}, ${refunds} refund, ${emails} e-mail, ${sms} SMS, ${notes ?? 0} note`;
}
