/** Careless declarations: what holds below the SQL. */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RESULT_BYTES_MAX } from "../../../kernel/abi/bounds.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";
import { openShop, type Shop } from "./shop.ts";

const operation = (name: string, effect: "read" | "write", field: string, sql: string, argument = "") => `
  ${name}:
    title: A test
    effect: ${effect}
    customer: required
    arguments: {${argument}}
    result: { rows: one, fields: { ${field}: { class: public } } }
    reconcile: ${effect === "read" ? "none" : "transaction"}
    action:
      sql: "${sql}"
`;
const count = "count: { type: integer, class: public }";
const careless = [
  operation("order:any", "read", "item", "select item from shop.orders where id = 'O1300'"),
  operation("order:first", "read", "item", "select item from shop.orders"),
  operation("order:sneak", "read", "id", "update shop.orders set refunded = 1 where id = 'O1234' returning id"),
  operation("order:large", "read", "text", "select repeat('x', :count) as text", count),
  operation(
    "order:huge",
    "write",
    "text",
    "update shop.orders set refunded = 7 where id = 'O1234' returning repeat('x', 300000) as text",
  ),
  operation("order:lost", "write", "other", "update shop.orders set refunded = 8 where id = 'O1234' returning id"),
  operation("order:long", "read", "n", "select 9007199254740993::bigint as n"),
  operation("order:slow", "read", "n", "select 1 as n from pg_sleep(60)"),
  operation("order:missing", "read", "n", "select n from shop.nothing"),
  operation("order:spare", "read", "id", "select id, customer, item from shop.orders where id = 'O1234'"),
  operation("order:divide", "read", "n", "select 1 / :count as n", count),
];

let shop: Shop;
let database: ProxyProcess;
let etc = "";
beforeAll(async () => {
  etc = mkdtempSync(join(tmpdir(), "silo-etc-"));
  chmodSync(etc, 0o755);
  cpSync("config", etc, { recursive: true });
  const file = join(etc, "operations/database.yaml");
  writeFileSync(file, readFileSync(file, "utf8") + careless.join(""));
  shop = await openShop();
  database = await startProxyProcess("database", { "database.json": shop.postgres.connection }, etc);
});
afterAll(async () => {
  await database?.end();
  await shop?.end();
  rmSync(etc, { recursive: true });
});

const act = (capability: string, permitted = {}) => database.act({ capability }, permitted, { customer: "C0042" });
const refunded = async () =>
  (await shop.query("select refunded::int from shop.orders where id = 'O1234'"))[0]?.["refunded"];

test("SQL that forgets the customer still sees that customer alone", async () => {
  expect(await act("order:any")).toMatchObject({ code: "NOT_FOUND" });
});

test("a read that writes changes nothing", async () => {
  expect(await act("order:sneak")).toMatchObject({ end: "later" });
  expect(await refunded()).toBe(0);
});

test("a result of RESULT_BYTES_MAX bytes is given, a larger one is refused", async () => {
  const wrapping = JSON.stringify({ text: "" }).length;
  expect(await act("order:large", { count: RESULT_BYTES_MAX - wrapping })).toMatchObject({ end: "done" });
  expect(await act("order:large", { count: RESULT_BYTES_MAX - wrapping + 1 })).toMatchObject({
    code: "RESULT_TOO_LARGE",
  });
});

test("an effect whose result is too large does not happen", async () => {
  expect(await act("order:huge")).toMatchObject({ code: "RESULT_TOO_LARGE" });
  expect(await refunded()).toBe(0);
});

test("an effect whose result is not the declared one does not happen", async () => {
  expect(await act("order:lost")).toMatchObject({ end: "later" });
  expect(await refunded()).toBe(0);
});

test("columns nobody declared do not leave the proxy", async () => {
  expect(await act("order:spare")).toEqual({ end: "done", value: { result: { id: "O1234" } } });
});

test("several rows where there may be one, a table that is not there, and a number that is not exact are defects to look at", async () => {
  for (const capability of ["order:first", "order:missing", "order:long"])
    expect(await act(capability), capability).toMatchObject({ end: "later", message: /administrator/ });
});

test("what the database cannot compute is the argument's fault", async () => {
  expect(await act("order:divide", { count: 0 })).toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("a statement that takes too long is ended", async () => {
  const began = Date.now();
  expect(await act("order:slow")).toMatchObject({ end: "later" });
  expect(Date.now() - began).toBeLessThan(9000);
});
