/** Programs of the workshop, run to their end. */
import { execFileSync } from "node:child_process";
import { SOURCE_DATE_EPOCH } from "../build.ts";

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const env = { ...process.env, SOURCE_DATE_EPOCH };

/** What it says goes where ours goes. Throws where it ends with another status than 0. */
export function run(program: string, ...args: string[]): void {
  console.log(`+ ${[program, ...args].join(" ")}`);
  execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"], env });
}

/** What it says, for us to read. Throws where it ends with another status than 0. */
export function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env,
    encoding: "utf8",
    maxBuffer: OUTPUT_BYTES_MAX,
  });
}
