/** The trial's shop: a thousand made-up customers with their orders, in a database of its own. */
import { readFileSync } from "node:fs";
import pg from "pg";
import { type Customer, makeCustomers } from "./customers.ts";
import type { Postgres } from "./postgres.ts";

export type { Customer } from "./customers.ts";

/** `amount` in minor units; dates as YYYY-MM-DD. */
export type Order = {
  id: string;
  customer: string;
  item: string;
  amount: number;
  currency: "USD";
  status: "paid" | "shipped" | "delivered" | "returned";
  ordered: string;
};

type Refund = {
  refund: string;
  order: string;
  customer: string;
  amount: number;
  currency: string;
  reason: string;
};

const CUSTOMERS = 1000;
const ORDERS_MAX = 5;
const SEED = 20_260_101;
const FIRST_ORDER = 2000;
const TODAY = Date.UTC(2026, 0, 15);
const DAY_MS = 24 * 60 * 60 * 1000;

/** The orders the trial's story works on; amounts in minor units of USD. */
export const story = {
  refund: { customer: "C0042", order: "O1234", amount: 24_750 },
  large: { customer: "C0077", order: "O1300", amount: 70_000 },
  many: {
    customer: "C0108",
    orders: ["O1401", "O1402", "O1403", "O1404", "O1405", "O1406", "O1407", "O1408", "O1409", "O1410"],
    amount: 6000,
  },
} as const;

const items = [
  { item: "Desk lamp", amount: 4_990 },
  { item: "Espresso machine", amount: 74_900 },
  { item: "Wireless headphones", amount: 24_750 },
  { item: "Rain jacket", amount: 12_900 },
  { item: "Cast-iron pan", amount: 6_000 },
  { item: "Office chair", amount: 38_500 },
  { item: "Children's bicycle", amount: 21_900 },
  { item: "Paperback, 3 volumes", amount: 3_450 },
] as const;

/** All customers and orders. Pure and deterministic: the same everywhere. */
export function makeShop(): { customers: Customer[]; orders: Order[] } {
  const random = randomFrom(SEED);
  const customers = makeCustomers(CUSTOMERS, random);
  let next = FIRST_ORDER;
  const others = customers.flatMap(({ id }) =>
    Array.from({ length: 1 + Math.floor(random() * ORDERS_MAX) }, () => someOrder(`O${next++}`, id, random)),
  );
  return { customers, orders: [...storyOrders(), ...others] };
}

function storyOrders(): Order[] {
  const { refund, large, many } = story;
  const order = (id: string, customer: string, item: string, amount: number): Order => {
    return { id, customer, item, amount, currency: "USD", status: "delivered", ordered: "2026-01-05" };
  };
  return [
    order(refund.order, refund.customer, "Wireless headphones", refund.amount),
    order(large.order, large.customer, "Espresso machine", large.amount),
    ...many.orders.map((id) => order(id, many.customer, "Cast-iron pan", many.amount)),
  ];
}

function someOrder(id: string, customer: string, random: () => number): Order {
  const { item, amount } = items[Math.floor(random() * items.length)] ?? items[0];
  const status = (["paid", "shipped", "delivered", "returned"] as const)[Math.floor(random() * 4)] ?? "paid";
  const ordered = new Date(TODAY - Math.floor(random() * 700) * DAY_MS).toISOString().slice(0, 10);
  return { id, customer, item, amount, currency: "USD", status, ordered };
}

/** Numbers from 0 below 1, the same for one seed (mulberry32, public domain). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Schema, role, row level security, customers and orders, all in one transaction. Does nothing where the shop is loaded already. */
export async function loadShop(postgres: Pick<Postgres, "superuser">): Promise<void> {
  await asSuperuser(postgres, async (client) => {
    const { rowCount } = await client.query("select 1 from pg_namespace where nspname = 'shop'");
    if (rowCount !== 0) return;
    const { customers, orders } = makeShop();
    await client.query("begin");
    await client.query(readFileSync(new URL("shop.sql", import.meta.url), "utf8"));
    await client.query(readFileSync(new URL("../../proxies/database/effects.sql", import.meta.url), "utf8"));
    await client.query(insertAll("customers", "id, name, email, phone, address, since"), [JSON.stringify(customers)]);
    await client.query(insertAll("orders", "id, customer, item, amount, currency, status, ordered"), [
      JSON.stringify(orders),
    ]);
    await client.query("analyze shop.customers, shop.orders");
    await client.query("commit");
  });
}

function insertAll(table: string, columns: string): string {
  return `insert into shop.${table} (${columns}) select ${columns} from json_populate_recordset(null::shop.${table}, $1)`;
}

/** Rows of shop.refunds, oldest first. */
export function readRefunds(postgres: Pick<Postgres, "superuser">): Promise<Refund[]> {
  return asSuperuser(postgres, async (client) => {
    const { rows } = await client.query<Refund>(
      `select id as refund, order_id as "order", customer, amount::float8 as amount, currency, reason
       from shop.refunds order by id`,
    );
    return rows;
  });
}

async function asSuperuser<T>({ superuser }: Pick<Postgres, "superuser">, work: (client: pg.Client) => Promise<T>) {
  const client = new pg.Client(superuser);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
