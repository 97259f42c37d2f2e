/** Chapter: many small refunds for one customer. The ledger adds them up. */
import { readRefunds, story } from "../shop.ts";
import type { Scene } from "./scene.ts";
import { usd } from "./words.ts";

const CODE = "LIMIT_CUSTOMER_DAY";
/** 500.00 USD a customer and day allow eight refunds of 60.00. */
const ALLOWED = 8;

export async function tellMany(scene: Scene): Promise<void> {
  const { teller } = scene;
  const { customer, orders, amount } = story.many;
  teller.chapter("Ten refunds of 60.00 USD for one customer, whom the role may refund 500.00 USD a day");
  for (const [at, order] of orders.entries()) {
    const task = await scene.submit({ kind: "limit", customer, fields: { order, amount: "60.00 USD" } });
    const { state, event } = await scene.rest(task);
    const refused = (await scene.audit(task)).find(({ entry }) => entry["code"] === CODE);
    const number = at + 1;
    if (number <= ALLOWED) {
      await scene.answer(task);
      teller.fact(event === "Completed", `${task}, refund ${number}: ${event ?? state}`);
    } else
      teller.fact(
        refused !== undefined && state === "waiting",
        `${task}, refund ${number}: refused by the ledger, ${CODE}, entry #${refused?.index}; ${state} for a manager`,
      );
  }
  const rows = (await readRefunds(scene.world.postgres)).filter((row) => row.customer === customer);
  const total = rows.reduce((sum, row) => sum + row.amount, 0);
  teller.fact(
    rows.length === ALLOWED && total === ALLOWED * amount,
    `the shop's database holds ${rows.length} refunds for that customer, ${usd(total)} together`,
  );
}
