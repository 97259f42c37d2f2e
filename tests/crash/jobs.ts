/** What is asked of the appliance, each told from all others by what it leaves outside. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { makeShop, readRefunds } from "../../console/trial/shop.ts";
import type { Outsiders } from "./outside.ts";

/** A refund of `amount` minor units, the same amount never twice for one order. */
export type Job = { key: string; customer: string; order: string; amount: number };

/** How often each of a job's effects happened, as the systems outside have it. */
export type Effects = { refunds: number; emails: number; sms: number };

const REFUNDED = "refunded";
/** A mail that was accepted is in its box within so long. */
const MAIL_MS_MAX = 20_000;
const POLL_MS = 100;
const ROUNDS = 20;
const AMOUNT_MIN = 100;
/** Customers from here on are left alone by the trial's story. */
const FIRST_CUSTOMER = 200;

/** One order of each customer, again and again, never more in a day than the role may. */
export function makeJobs(): Job[] {
  const { customers, orders } = makeShop();
  const first = new Map(orders.toReversed().map((order) => [order.customer, order.id]));
  return Array.from({ length: ROUNDS }, (_, round) =>
    customers.slice(FIRST_CUSTOMER).map(({ id }) => {
      return { key: randomUUID(), customer: id, order: first.get(id) ?? "", amount: AMOUNT_MIN + round };
    }),
  ).flat();
}

export function submissionOf({ customer, order, amount }: Job): object {
  return { kind: "refund", customer, text: `Please refund ${order}.`, fields: { order, amount: money(amount) } };
}

/** Counts what lies outside. What was completed (`expected` of the jobs) is waited for: a mail server delivers when it gets to it. */
export async function countEffects(outside: Outsiders, jobs: readonly Job[], expected: number): Promise<Effects[]> {
  const names = jobs.map(({ order, amount }) => nameOf(order, money(amount)));
  const emails = await countMails(outside, names, expected);
  const words = jobs.length === 1 ? (names[0] ?? "") : REFUNDED;
  const sms = tally((await outside.smsc.messages(words, expected)).map(({ bytes }) => bytes.toString("latin1")));
  const rows = await readRefunds(outside.postgres);
  const refunds = tally(rows.map(({ order, amount }) => nameOf(order, money(amount))));
  return names.map((name) => ({ refunds: refunds(name), emails: emails(name), sms: sms(name) }));
}

async function countMails(
  { mails }: Outsiders,
  names: readonly string[],
  expected: number,
): Promise<(name: string) => number> {
  for (const until = Date.now() + MAIL_MS_MAX; ; await pause(POLL_MS)) {
    const count = tally(mails.texts());
    if (names.filter((name) => count(name) > 0).length >= expected || Date.now() > until) return count;
  }
}

/** What the agent writes into its e-mail and its SMS. */
function nameOf(order: string, amount: string): string {
  return `${order}: ${REFUNDED} ${amount}.`;
}

function money(minor: number): string {
  return `${(minor / 100).toFixed(2)} USD`;
}

function tally(names: readonly string[]): (name: string) => number {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (name) => counts.get(name) ?? 0;
}
