/**
 * What the tests' launcher wants of the processes it started, and what they did: files, which outlive either side and are read in the
 * middle of anything.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Open to every process of the appliance under test. */
export const FOLDER = "/run/crash";
const PLAN = `${FOLDER}/plan`;
/** `PROCESS<tab>POINT` a line, in the order they were crossed. */
export const RECORD = `${FOLDER}/record`;

/** Where one process is stopped: at the `crossing`-th time it comes to `point` under this plan. */
export type Place = { process: string; point: string; crossing: number };

/**
 * `record`: write down every crossing. `die`: the process kills itself there, in the middle of its turn. `hold`: it stands still there until
 * `release`, so that something else can be killed meanwhile.
 */
export type Plan = { id: string } & ({ act: "record" } | ({ act: "die" | "hold" } & Place));

export function makeFolder(): void {
  mkdirSync(FOLDER, { recursive: true });
  chmodSync(FOLDER, 0o777);
}

/** Puts a plan into force, whole at once. */
export function announce(plan: Plan): void {
  writeFileSync(`${PLAN}.new`, JSON.stringify(plan), { mode: 0o644 });
  renameSync(`${PLAN}.new`, PLAN);
}

export function withdraw(): void {
  rmSync(PLAN, { force: true });
}

export function currentPlan(): Plan | null {
  try {
    return JSON.parse(readFileSync(PLAN, "utf8")) as Plan;
  } catch {
    return null;
  }
}

/** Takes the one shot of a plan; false where it was taken before, by an earlier life of the process. */
export function takeShot({ id }: Plan): boolean {
  try {
    writeFileSync(`${FOLDER}/shot-${id}`, "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

export function wasShot({ id }: Plan): boolean {
  return existsSync(`${FOLDER}/shot-${id}`);
}

export function release({ id }: Plan): void {
  writeFileSync(`${FOLDER}/released-${id}`, "");
}

export function isReleased({ id }: Plan): boolean {
  return existsSync(`${FOLDER}/released-${id}`);
}
