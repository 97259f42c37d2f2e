/** Chapter: a refund over the agent's limit. A manager takes it from the command line and works through the same membrane. */
import { runCli } from "../../cli/cli.ts";
import { readRefunds, story } from "../shop.ts";
import type { Scene } from "./scene.ts";
import type { Teller } from "./teller.ts";
import { entryWords, oneLine, textOf } from "./words.ts";

const PERSON = "maria";
const AMOUNT = "700.00 USD";

export async function tellLarge(scene: Scene): Promise<void> {
  const { teller } = scene;
  const { customer: id, order, amount } = story.large;
  const customer = scene.customer(id);
  teller.chapter("A refund of 700.00 USD, over the agent's 500.00 USD: a person decides");
  const task = await scene.submit({
    kind: "refund",
    customer: id,
    fields: { order, amount: AMOUNT },
    text: `The machine of order ${order} never worked. ${customer.name}, ${customer.phone}`,
  });
  const line = await scene.rest(task);
  const handover = (await scene.show(task)).document.history.at(-1);
  teller.fact(
    line.state === "waiting" && line.role === "refund-manager" && handover?.role === "refund-agent",
    `${task} was escalated and waits for ${line.role}`,
  );
  teller.say(`reason:     ${handover?.reason}`);
  teller.say(`recommends: ${handover?.recommendation}`);
  teller.fact(Boolean(handover?.reason && handover.recommendation), "the agent gave its reason and a recommendation");

  const silo = (...argv: string[]) => onCommandLine(teller, ["--as", PERSON, ...argv]);
  const steps = [
    await silo("task", "take", task),
    await silo("task", "call", task, "read_order", `order=${order}`),
    await silo("task", "call", task, "create_refund", `order=${order}`, `amount=${AMOUNT}`, "reason=Never worked."),
    await silo("task", "call", task, "send_refund_email", `order=${order}`, `amount=${AMOUNT}`),
    await silo("task", "finish", task, "--text", `Dear [NAME_1], we have refunded ${AMOUNT} for ${order}. Sorry!`),
  ];
  teller.fact(
    steps.every((exit) => exit === 0),
    `${PERSON}, whose base key allows 5,000.00 USD, did all of it`,
  );

  const rows = (await readRefunds(scene.world.postgres)).filter((row) => row.order === order);
  teller.fact(
    rows.length === 1 && rows[0]?.amount === amount,
    `the shop's database holds ${rows.length} refund of ${order}`,
  );
  const mails = await scene.mailsTo(customer.email, 1);
  teller.fact(mails.length === 1, `the mail server holds ${mails.length} mail to ${customer.email}`);
  const answer = await scene.answer(task);
  teller.say(`The answer: ${oneLine(textOf(answer))}`);
  teller.fact(textOf(answer).includes(customer.name), "the frontend's answer carries the real name");
  const entries = await scene.audit(task);
  const clicks = entries.filter(({ entry }) => entry["verb"] === "intend" && entry["role"] === "refund-manager");
  teller.fact(
    clicks.length >= 3,
    `each click stands in the audit log like an agent's call (${clicks.length} intents):`,
  );
  for (const entry of entries) teller.say(`  ${entryWords(entry)}`);
}

/** Runs the silo command as a person would type it, shows both, and returns its exit status. */
async function onCommandLine(teller: Teller, argv: string[]): Promise<number> {
  teller.say(`$ silo ${argv.map((word) => (/[^\w.=:-]/.test(word) ? JSON.stringify(word) : word)).join(" ")}`);
  const said: string[] = [];
  const write = (text: string) => said.push(text);
  const exit = await runCli(argv, { out: write, err: write, confirm: async () => false, env: {} });
  for (const line of said.join("").trim().split("\n")) teller.say(`  ${line}`);
  return exit;
}
