/**
 * Child of modes.test.ts: an appliance on which every refund goes to people with the agent in shadow beside, whose manager works one, and whose
 * administrator looks at both and tries a changed folder on it. As typed; prints it as JSON.
 */
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { runCli } from "../../../console/cli/cli.ts";
import { startPostgres } from "../../../console/trial/postgres.ts";
import { loadShop, makeShop, readRefunds } from "../../../console/trial/shop.ts";
import { readMails, startSmtp } from "../../../console/trial/smtp.ts";
import { startAppliance } from "../../../console/up/appliance.ts";

const WAIT_MS_MAX = 90_000;
const FOLDER = "/var/silo/agents/refund-agent";

async function silo(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    confirm: async () => true,
    env: {},
  };
  const exit = await runCli(argv, terminal);
  return { exit, out: out.join(""), err: err.join("") };
}

async function done(...argv: string[]): Promise<string> {
  const { exit, out, err } = await silo(...argv);
  if (exit !== 0) throw new Error(`silo ${argv.join(" ")}: ${exit} ${err}`);
  return out;
}

async function until(words: string, task: string): Promise<string> {
  let shown = "";
  for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end; await pause(100)) {
    shown = await done("task", "show", task);
    if (shown.includes(words)) return shown;
  }
  throw new Error(`${task} is never "${words}": ${shown}`);
}

mkdirSync("/var/silo/config", { recursive: true });
const map = parse(readFileSync("/etc/silo/transitions.yaml", "utf8")) as object[];
const drawn = { on: "TaskCreated", kind: "refund", shadow_one_in: 1, to: "refund-manager" };
writeFileSync("/var/silo/config/transitions.yaml", stringify([drawn, ...map]));
const postgres = await startPostgres();
const smtp = await startSmtp();
const appliance = await startAppliance({
  port: Number(process.argv[2]),
  outside: async () => {
    await loadShop(postgres);
    return { database: postgres.connection, smtp: smtp.connection };
  },
});
await appliance.waitReady();
cpSync("/opt/silo/agents/refund-agent", FOLDER, { recursive: true });
for (const role of ["refund-agent", "refund-manager"]) await done("agent", "approve", role);

const { customers, orders } = makeShop();
const { id, name, email } = customers[200] ?? { id: "", name: "", email: "" };
const order = orders.find(({ customer }) => customer === id)?.id ?? "";
const fields = ["--field", `order=${order}`, "--field", "amount=1.00 USD"];
const { task } = JSON.parse(await done("submit", "refund", "--customer", id, ...fields, "--json"));

const refunds = async () => (await readRefunds(postgres)).filter((refund) => refund.order === order).length;
const mails = () => readMails().filter(({ to }) => to.includes(email)).length;

const beside = await until("ends: complete", task);
const nothing = { refunds: await refunds(), mails: mails() };
await done("--as", "maria", "task", "take", task);
const hidden = await done("--as", "maria", "task", "show", task);
await done(
  "--as",
  "maria",
  "task",
  "call",
  task,
  "create_refund",
  `order=${order}`,
  "amount=1.00 USD",
  "reason=It broke.",
);
await done("--as", "maria", "task", "finish", task, "--text", "Done, [NAME_1].");
const both = await done("task", "show", task);

appendFileSync(`${FOLDER}/main.py`, "\n\ndef run(task: silo.Task) -> None:\n");
const changed = [
  'customer = silo.call("customer:read")',
  `silo.call("refund:create", order="${order}", amount=100, currency="USD", reason="one")`,
  "try:",
  `    silo.call("refund:create", order="${order}", amount=60000, currency="USD", reason="two")`,
  "except silo.Refused as refused:",
  '    silo.call("email:send", to=customer["email"], subject=refused.code, body=task.mode)',
  "silo.complete(f\"tried for {customer['name']} in {task.mode}\")",
];
appendFileSync(`${FOLDER}/main.py`, changed.map((line) => `    ${line}\n`).join(""));
const tried = await done("task", "try", task, "--agent", "refund-agent");
const again = await done("task", "try", task, "--agent", "refund-agent", "--json");
const nobody = await silo("task", "try", task, "--agent", "hello");
const asMaria = await silo("--as", "maria", "task", "try", task);
const agents = await done("agent", "list");
const log = await done("audit", "show", "--task", task, "--json", "--limit", "1000");
const after = { refunds: await refunds(), mails: mails() };
await appliance.stop({ forget: true });
await smtp.stop();
await postgres.stop();
const said = { beside, hidden, both, tried, again, agents, log };
const leaked = Object.values(said).some((text) => text.includes(email) || text.includes(name));
console.log(JSON.stringify({ ...said, nobody, asMaria, nothing, after, leaked }));
process.exit(0);
