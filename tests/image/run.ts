import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

export type Ended = { status: number | null; out: string; err: string };

type Options = { env?: Record<string, string>; input?: string; afterLine?: (line: string, kill: Kill) => void };
type Kill = (signal: NodeJS.Signals) => void;

/** Runs a program to its end; `afterLine` sees each line of either output as it comes, and may send signals. */
export function run(argv: readonly [string, ...string[]], options: Options = {}): Promise<Ended> {
  const [command, ...args] = argv;
  const child = spawn(command, args, { cwd: CHECKOUT, env: { ...process.env, ...options.env } });
  const ended: Ended = { status: null, out: "", err: "" };
  const see = (name: "out" | "err") => (text: string) => {
    ended[name] += text;
    for (const line of text.split("\n")) options.afterLine?.(line, (signal) => void child.kill(signal));
  };
  child.stdout.setEncoding("utf8").on("data", see("out"));
  child.stderr.setEncoding("utf8").on("data", see("err"));
  child.stdin.on("error", () => {}).end(options.input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ ...ended, status }));
  });
}

/** The same as an ordinary user who may read the checkout. */
export function asNobody(...argv: string[]): [string, ...string[]] {
  return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--", ...argv];
}
