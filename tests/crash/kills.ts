/**
 * The same claim under load: refunds arrive all the time while processes are killed at random. Nothing accepted is lost, nothing
 * happens twice. Runs inside the build root.
 */
import { setTimeout as pause } from "node:timers/promises";
import { readRefunds } from "../../console/trial/shop.ts";
import { readMails } from "../../console/trial/smtp.ts";
import { type CrashWorld, endOf, type Job, makeJobs, startCrashWorld, submit, victims } from "./world.ts";

const REFUNDS_AT_ONCE = 4;
/** From the moment everything serves again to the next kill: a refund takes about half of it. */
const PAUSE_MS_MAX = 800;

type Came = { job: Job; end: string };
type Report = { kills: number; accepted: number; ended: number; lost: number; doubled: number; unknown: number };

/** Kills `kills` random processes at random instants, waits for every task, prints the report. Returns the exit status. */
export async function crashAtRandom(kills: number, json: boolean): Promise<number> {
  const crash = await startCrashWorld();
  const jobs = makeJobs();
  const came: Came[] = [];
  let killing = true;
  const frontends = Array.from({ length: REFUNDS_AT_ONCE }, async () => {
    while (killing) {
      const job = jobs.pop();
      if (job === undefined) return;
      came.push({ job, end: await endOf(crash.frontend, await submit(crash.frontend, job)) });
    }
  });
  for (let kill = 0; kill < kills; kill++) await killOne(crash, kill, kills);
  killing = false;
  await Promise.all(frontends);
  await crash.world.appliance.waitReady();
  const report = await count(crash, came, kills);
  await crash.world.stop({ forget: true });
  console.log(json ? JSON.stringify(report) : words(report));
  return report.lost === 0 && report.doubled === 0 ? 0 : 1;
}

async function killOne({ world }: CrashWorld, kill: number, kills: number): Promise<void> {
  await world.appliance.waitReady();
  await pause(Math.random() * PAUSE_MS_MAX);
  const victim = victims[Math.floor(Math.random() * victims.length)] ?? "kernel";
  await world.appliance.kill9(victim);
  if ((kill + 1) % 25 === 0) console.error(`${kill + 1} of ${kills} kills`);
}

async function count({ world }: CrashWorld, came: readonly Came[], kills: number): Promise<Report> {
  const refunds = tally((await readRefunds(world.postgres)).map(({ order }) => order));
  const mails = tally((await readMails()).map(({ to }) => to));
  const effects = ({ job }: Came) => ({ refunds: refunds(job.order), mails: mails(job.email) });
  const isDoubled = (one: Came) => effects(one).refunds > 1 || effects(one).mails > 1;
  const isLost = (one: Came) =>
    one.end === "STUCK" || (one.end === "Completed" && (effects(one).refunds !== 1 || effects(one).mails !== 1));
  return {
    kills,
    accepted: came.length,
    ended: came.filter(({ end }) => end !== "STUCK").length,
    lost: came.filter((one) => isLost(one) && !isDoubled(one)).length,
    doubled: came.filter(isDoubled).length,
    unknown: came.filter(({ end }) => end.includes("UNKNOWN_OUTCOME")).length,
  };
}

function tally(names: readonly string[]): (name: string) => number {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (name) => counts.get(name) ?? 0;
}

function words({ kills, accepted, ended, lost, doubled, unknown }: Report): string {
  return `${kills} kills: ${accepted} tasks accepted, ${ended} ended, ${lost} lost, ${doubled} done twice, ${unknown} with UNKNOWN_OUTCOME before a human`;
}
