/** Child of end-to-end.test.ts: a running appliance, and one command after the other as a person types them. Prints them as JSON. */
import { cpSync } from "node:fs";
import { runCli } from "../../../console/cli/cli.ts";
import { startWorld } from "../../../console/trial/world.ts";

type Said = { argv: string[]; exit: number; out: string; err: string };

const said: Said[] = [];

async function silo(...argv: string[]): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    confirm: async () => true,
    env: {},
  };
  const exit = await runCli(argv, terminal);
  const one = { argv, exit, out: out.join(""), err: err.join("") };
  said.push(one);
  return one;
}

const world = await startWorld({ port: Number(process.argv[2]) });
await world.appliance.waitReady();
for (const name of ["hello", "refund-agent"])
  cpSync(`/opt/silo/agents/${name}`, `/var/silo/agents/${name}`, { recursive: true });

await silo("agent", "list");
for (const role of ["hello", "refund-agent", "refund-manager"]) await silo("agent", "approve", role);
await silo("status");
await silo("submit", "hello", "--customer", "C0042", "--wait");
await silo("submit", "hello", "--customer", "C0042", "--key", "the-same", "--json");
await silo("submit", "hello", "--customer", "C0042", "--key", "the-same", "--json");
await silo("submit", "hello", "--customer", "C9999");
await silo("submit", "nothing", "--customer", "C0042");
await silo("keys", "list", "--json");
await silo("keys", "rotate", "base", "--json");
await silo("keys", "rotate", "task", "--json");
await silo("submit", "hello", "--customer", "C0042", "--key", "rotated", "--wait");
await silo("keys", "revoke", "hello", "--json");
await silo("submit", "hello", "--customer", "C0042", "--key", "revoked", "--wait");
await silo("keys", "list", "--json");
await silo("--as", "maria", "keys", "revoke", "hello");
await silo("agent", "offline", "refund-agent");
await silo(
  "submit",
  "refund",
  "--customer",
  "C0042",
  "--field",
  "order=O1234",
  "--field",
  "amount=247.50 USD",
  "--json",
);
const { task } = JSON.parse(said.at(-1)?.out ?? "") as { task: string };
await silo("--as", "maria", "task", "list", "waiting");
await silo("--as", "maria", "agent", "offline", "hello");
await silo("--as", "maria", "task", "take", task);
await silo("--as", "maria", "task", "call", task, "read_order", "order=O1234", "--json");
await silo("--as", "maria", "task", "call", task, "no_such_tool");
await silo("--as", "maria", "task", "finish", task, "--text", "Dear [NAME_1], later.");
await silo("task", "show", task);
await silo("task", "show", "task_0000000000000000");
await silo("agent", "online", "refund-agent");
await silo("audit", "show", "--task", task, "--json");
await world.appliance.kill9("kernel");
await silo("status");
await world.stop({ forget: true });
await silo("status");
console.log(JSON.stringify(said));
