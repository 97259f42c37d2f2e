/** What the proxy's own database role can do when the proxy itself has been taken over: what the operations need, for one customer at a time. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openShop, type Shop } from "./shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop?.end());

const asProxy = (sql: string) => shop.psql("silo-database", sql);
const asCustomer = (customer: string, sql: string) =>
  asProxy(`begin; set local silo.customer = '${customer}'; ${sql}; commit`);

test("without a customer there are no rows", () => {
  for (const table of ["customers", "orders"]) expect(asProxy(`select count(*) from shop.${table}`)).toBe("0");
  expect(asProxy("select count(id) from shop.refunds")).toBe("0");
});

test("with one there are that customer's", () => {
  expect(asCustomer("C0042", "select string_agg(id, ',') from shop.customers")).toBe("C0042");
  expect(asCustomer("C0042", "select count(*) from shop.orders where customer <> 'C0042'")).toBe("0");
});

test("the customer of one transaction is not the next one's", () => {
  expect(asProxy("begin; set local silo.customer = 'C0042'; commit; select count(*) from shop.customers")).toBe("0");
});

test.each([
  [
    "refunds another customer's order",
    "insert into shop.refunds (order_id, customer, amount, currency, reason) values ('O1300', 'C0077', 1, 'USD', 'x')",
  ],
  [
    "refunds another customer's order as one's own",
    "insert into shop.refunds (order_id, customer, amount, currency, reason) values ('O1300', 'C0042', 1, 'USD', 'x')",
  ],
  [
    "makes a refund's number up",
    "insert into shop.refunds (id, order_id, customer, amount, currency, reason) values ('R9', 'O1234', 'C0042', 1, 'USD', 'x')",
  ],
  ["lowers what was paid", "update shop.orders set amount = 1"],
  ["takes over an order", "update shop.orders set customer = 'C0042'"],
  ["changes a name", "update shop.customers set name = 'x'"],
  ["deletes", "delete from shop.refunds"],
  ["deletes records of effects", "delete from silo.effects"],
  ["reads reasons", "select reason from shop.refunds"],
  ["makes a table", "create table shop.x (y int)"],
  ["makes a temporary table", "create temporary table x (y int)"],
  ["switches row level security off", "alter table shop.orders disable row level security"],
  ["becomes somebody else", "set role postgres"],
  ["runs a program", "copy (select 1) to program 'true'"],
  ["reads a file", "select pg_read_file('/etc/passwd')"],
])("it is refused when it %s", (_, sql) => {
  expect(asCustomer("C0042", sql)).toMatch(/ERROR: .*(permission denied|row-level security|violates|must be owner)/);
});

test("it is nobody's but the proxy's", () => {
  expect(shop.psql("silo-email", "select 1")).toMatch(/Permission denied/);
  expect(shop.psql("root", "select 1")).toMatch(/Peer authentication failed/);
});
