/** Whether the rules in force are those of silo.nft: the file is loaded into an empty network namespace, and the two are compared. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { FirewallError, frame, rules } from "./nft.ts";

const LIST = ["nft", "--stateless", "--terse", "--numeric", "list", "table", "inet", "silo"];

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
    holder.stdin.write("\n"); // it comes back once the namespace is there
    await once(holder.stdout, "data");
    within(holder.pid as number, ["nft", "--file", "-"]);
    return within(holder.pid as number, LIST);
  } finally {
    holder.stdin.end();
  }
}

function within(pid: number, argv: readonly string[]): string {
  const how = { input: frame(), encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync("nsenter", [`--target=${pid}`, "--net", "--", ...argv], how);
  if (status !== 0) throw new FirewallError(`A trial firewall could not be made: ${stderr}`);
  return stdout;
}
