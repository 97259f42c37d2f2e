/** Inside a process of the appliance under test: it has come to a boundary. Dies or stands still there when the plan says so. */
import { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { currentPlan, isReleased, type Plan, RECORD, takeShot } from "./plan.ts";

/** The launcher names a process by its credentials. */
export const self = basename(process.env["CREDENTIALS_DIRECTORY"] ?? "");
const LOOK_MS = 5;

const crossings = new Map<string, number>();
const clock = new Int32Array(new SharedArrayBuffer(4));
let counted: string | undefined;

export function cross(point: string): void {
  const plan = currentPlan();
  if (plan === null) return;
  if (plan.id !== counted) crossings.clear();
  counted = plan.id;
  const crossing = (crossings.get(point) ?? 0) + 1;
  crossings.set(point, crossing);
  if (plan.act === "record") appendFileSync(RECORD, `${self}\t${point}\n`);
  else if (plan.process === self && plan.point === point && plan.crossing === crossing && takeShot(plan)) stop(plan);
}

/** SIGKILL to oneself is delivered before kill(2) returns: nothing of this turn comes after it. */
function stop(plan: Plan): void {
  if (plan.act === "die") process.kill(process.pid, "SIGKILL");
  while (!isReleased(plan)) Atomics.wait(clock, 0, 0, LOOK_MS);
}

/** Runs a function soon: as the first turn of some work ends, or after all that this turn of the event loop sends (write-together.ts). */
type Soon = (run: (point: string) => void, point: string) => unknown;

/** Before `work`, when it has begun (its first turn is over), and when it has ended. */
export async function crossing<T>(point: string, work: () => Promise<T>, soon: Soon = process.nextTick): Promise<T> {
  cross(`${point}: before`);
  const working = work();
  soon(cross, `${point}: begun`);
  const value = await working;
  cross(`${point}: after`);
  return value;
}
