/**
 * Child of unknown.test.ts: an appliance whose wire to the mail server is cut in place of the server's last reply, so that nobody can tell
 * whether a mail was taken; and a manager who decides, as typed. Prints it as JSON.
 */
import { once } from "node:events";
import { cpSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { runCli } from "../../../console/cli/cli.ts";
import { startPostgres } from "../../../console/trial/postgres.ts";
import { loadShop, makeShop, readRefunds } from "../../../console/trial/shop.ts";
import { readMails, startSmtp } from "../../../console/trial/smtp.ts";
import { startAppliance } from "../../../console/up/appliance.ts";
import { UNSETTLED_MS } from "../../../kernel/abi/bounds.ts";

const WAIT_MS_MAX = 60_000;
const isLastReply = (line: string) => /^250 2\.0\.0 \S+ Message accepted/.test(line);

let cuts = false;

/** Passes everything on, but for the last reply to a message. */
async function startWire(to: { host: string; port: number }): Promise<{ server: Server; port: number }> {
  const server = createServer((client) => {
    const upstream = connect(to.port, to.host);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.pipe(upstream);
    client.once("close", () => upstream.destroy());
    upstream.setEncoding("latin1").on("data", (text: string) => {
      if (cuts && text.split(/(?<=\n)/).some(isLastReply)) client.destroy();
      else client.write(text);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, port: (server.address() as { port: number }).port };
}

async function silo(...argv: string[]): Promise<string> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    confirm: async () => true,
    env: {},
  };
  const exit = await runCli(argv, terminal);
  if (exit !== 0) throw new Error(`silo ${argv.join(" ")}: ${exit} ${err.join("")}`);
  return out.join("");
}

async function until(state: string, task: string): Promise<string> {
  for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end; await pause(100)) {
    const shown = await silo("task", "show", task);
    if (shown.includes(state)) return shown;
  }
  throw new Error(`${task} is never "${state}".`);
}

const postgres = await startPostgres();
const smtp = await startSmtp();
const wire = await startWire(smtp.connection);
const appliance = await startAppliance({
  port: Number(process.argv[2]),
  outside: async () => {
    await loadShop(postgres);
    return { database: postgres.connection, smtp: { ...smtp.connection, port: wire.port } };
  },
});
await appliance.waitReady();
cpSync("/opt/silo/agents/refund-agent", "/var/silo/agents/refund-agent", { recursive: true });
for (const role of ["refund-agent", "refund-manager"]) await silo("agent", "approve", role);

/** One refund whose mail nobody can tell about, decided so; how it went. */
async function run({ customer, order, email }: { customer: string; order: string; email: string }, decision: string) {
  cuts = true;
  const fields = ["--field", `order=${order}`, "--field", "amount=1.00 USD"];
  const { task } = JSON.parse(await silo("submit", "refund", "--customer", customer, ...fields, "--json"));
  const waiting = await until("state     waiting", task);
  const step = /step (\d+) {2}email:send/.exec(waiting)?.[1] ?? "";
  cuts = false;
  await silo("--as", "maria", "task", "take", task);
  if (decision === "did-not") await pause(UNSETTLED_MS);
  await silo("--as", "maria", "task", "decide", task, step, decision);
  await silo("--as", "maria", "task", "return", task);
  const ended = await until("ended (Completed)", task);
  const compared = await silo("task", "replay", task);
  return {
    compared,
    ...{ waiting, ended, log: await silo("audit", "show", "--task", task, "--json") },
    refunds: (await readRefunds(postgres)).filter((refund) => refund.order === order).length,
    mails: readMails().filter(({ to }) => to.includes(email)).length,
  };
}

const { customers, orders } = makeShop();
const jobs = customers.slice(200).flatMap(({ id, email }) => {
  const order = orders.find(({ customer }) => customer === id);
  return order === undefined ? [] : [{ customer: id, order: order.id, email }];
});
const [first, second] = jobs;
if (first === undefined || second === undefined) throw new Error("The shop has no orders.");
const happened = await run(first, "happened");
const didNot = await run(second, "did-not");
await appliance.stop({ forget: true });
wire.server.close();
await smtp.stop();
await postgres.stop();
console.log(JSON.stringify({ happened, didNot }));
process.exit(0);
