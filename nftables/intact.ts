/** Whether the rules in force are those of silo.nft: the file is loaded into an empty network namespace, and the two are compared. */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { FirewallError, frame, rules } from "./nft.ts";

const LIST = ["nft", "--stateless", "--terse", "--numeric", "list", "table", "inet", "silo"];

/** A namespace is made, and rules are loaded into it, in some 30 ms. */
const MADE_MS_MAX = 10_000;

/** `absent`: no table. `changed`: somebody added, removed or altered a rule. */
export async function inForce(): Promise<"intact" | "changed" | "absent"> {
  const loaded = rules();
  if (loaded === undefined) return "absent";
  return loaded === (await asWritten()) ? "intact" : "changed";
}

/** The rules of the file as nft(8) prints them. */
async function asWritten(): Promise<string> {
  const holder = spawn("unshare", ["--net", "--", "cat"], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    await made(holder);
    within(holder.pid as number, ["nft", "--file", "-"]);
    return within(holder.pid as number, LIST);
  } finally {
    holder.kill("SIGKILL");
  }
}

/** Settles once the namespace is there: what holds it then says what it was told. */
async function made(holder: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  const signal = AbortSignal.timeout(MADE_MS_MAX);
  // That one which has ended does not read is told by its end.
  holder.stdin.on("error", () => undefined).write("\n");
  const there = once(holder.stdout, "data", { signal }).then(() => true);
  const over = once(holder, "exit", { signal }).then(() => false);
  const isThere = await Promise.race([there, over]).catch((error: Error) => error.message);
  if (isThere !== true) throw new FirewallError(`No namespace for a trial firewall: ${isThere || "unshare ended"}.`);
}

function within(pid: number, argv: readonly string[]): string {
  const how = { input: frame(), encoding: "utf8", timeout: MADE_MS_MAX } as const;
  const { status, stdout, stderr } = spawnSync("nsenter", [`--target=${pid}`, "--net", "--", ...argv], how);
  if (status !== 0) throw new FirewallError(`A trial firewall could not be made: ${stderr}`);
  return stdout;
}
