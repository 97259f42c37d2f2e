/** Chapter: a refund within the limit. The agent sees tokens, the customer gets their name. */
import { readRefunds, story } from "../shop.ts";
import type { Scene } from "./scene.ts";
import { entryWords, hasToken, oneLine, seconds, textOf, usd } from "./words.ts";

export async function tellRefund(scene: Scene): Promise<void> {
  const { teller } = scene;
  const { customer: id, order, amount } = story.refund;
  const customer = scene.customer(id);
  teller.chapter("A refund of 247.50 USD, done by an agent that never learns for whom");
  const began = Date.now();
  const text = `Hello, this is ${customer.name}. The headphones of order ${order} broke. Please write to ${customer.email}.`;
  teller.say(`The shop's frontend sends: ${text}`);
  const task = await scene.submit({ kind: "refund", customer: id, fields: { order, amount: "247.50 USD" }, text });
  const answer = await scene.answer(task);
  teller.fact(
    answer.event === "Completed",
    `${task} is ${answer.event ?? answer.state} after ${seconds(Date.now() - began)}`,
  );

  const { document } = await scene.show(task);
  teller.say(`The agent read: ${document.text}`);
  const personal = [customer.name, customer.email, customer.phone, customer.address];
  const seen = JSON.stringify(document);
  teller.fact(hasToken(document.text) && !personal.some((value) => seen.includes(value)), "the agent saw tokens only");

  const refunds = (await readRefunds(scene.world.postgres)).filter((row) => row.order === order);
  teller.fact(
    refunds.length === 1 && refunds[0]?.amount === amount && refunds[0].customer === id,
    `the shop's database holds ${refunds.length} refund of ${order}: ${refunds.map((row) => usd(row.amount)).join(", ")}`,
  );

  const mails = await scene.mailsTo(customer.email, 1);
  const mail = mails[0];
  teller.say(`The mail: ${oneLine(mail?.text ?? "none")}`);
  teller.fact(
    mails.length === 1 &&
      mail !== undefined &&
      mail.text.includes(customer.name) &&
      !hasToken(mail.text + mail.subject),
    `the mail server holds ${mails.length} mail to ${customer.email}, with the real name in it`,
  );

  teller.say(`The answer: ${oneLine(textOf(answer))}`);
  teller.fact(
    textOf(answer).includes(customer.name) && !hasToken(textOf(answer)),
    "the frontend's answer carries the real name",
  );
  teller.say("The audit log of this task:");
  for (const entry of await scene.audit(task)) teller.say(`  ${entryWords(entry)}`);
}
