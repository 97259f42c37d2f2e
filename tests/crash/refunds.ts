/**
 * The claim: whichever process is killed at whatever instant of a refund, the task ends; its refund is one row and its
 * e-mail one mail, or nobody can tell and a human is asked (UNKNOWN_OUTCOME).
 *
 * One refund a kill, each of another customer, so that one's effects are not taken for another's. Runs inside the build root.
 */
import { setTimeout as pause } from "node:timers/promises";
import { readRefunds } from "../../console/trial/shop.ts";
import { readMails } from "../../console/trial/smtp.ts";
import { type CrashWorld, endOf, type Job, makeJobs, startCrashWorld, submit, type Victim, victims } from "./world.ts";

type Came = { end: string; millis: number; refunds: number; emails: number };
type Run = { victim: Victim; instant_ms: number; end: string; refunds: number; emails: number; holds: boolean };

/** Kills each process at `instants` instants, evenly spread over the time one refund takes. Returns the exit status. */
export async function crashRefunds(instants: number, json: boolean): Promise<number> {
  const crash = await startCrashWorld();
  const jobs = makeJobs();
  const { millis } = await refund(crash, jobs.pop() as Job, null, 0);
  const runs: Run[] = [];
  for (const victim of victims)
    for (let instant = 0; instant < instants; instant++) {
      const instant_ms = Math.round(((instant + 0.5) / instants) * millis);
      const came = await refund(crash, jobs.pop() as Job, victim, instant_ms);
      const { end, refunds, emails } = came;
      const run = { victim, instant_ms, end, refunds, emails, holds: holds(came) };
      runs.push(run);
      print(run, json);
    }
  await crash.world.stop({ forget: true });
  const failed = runs.filter((run) => !run.holds).length;
  console.log(`${runs.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** One refund, with `victim` killed `instant_ms` after its submission began. */
async function refund(
  { world, frontend }: CrashWorld,
  job: Job,
  victim: Victim | null,
  instant_ms: number,
): Promise<Came> {
  const killed = victim === null ? null : pause(instant_ms).then(() => world.appliance.kill9(victim));
  const begun = performance.now();
  const end = await endOf(frontend, await submit(frontend, job));
  const millis = performance.now() - begun;
  await killed;
  await world.appliance.waitReady();
  const refunds = (await readRefunds(world.postgres)).filter(({ order }) => order === job.order).length;
  const emails = (await readMails()).filter(({ to }) => to.includes(job.email)).length;
  return { end, millis, refunds, emails };
}

function holds({ end, refunds, emails }: Came): boolean {
  if (end === "Completed") return refunds === 1 && emails === 1;
  return end.includes("UNKNOWN_OUTCOME") && refunds <= 1 && emails <= 1;
}

function print(run: Run, json: boolean): void {
  const { victim, instant_ms, end, refunds, emails } = run;
  const words = `${victim} killed after ${instant_ms} ms: ${end}, ${refunds} refund, ${emails} e-mail`;
  console.log(json ? JSON.stringify(run) : `${run.holds ? "ok  " : "FAIL"} ${words}`);
}
