/** The database proxy as its own process, sealed, on the trial's real database. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeShop } from "../../../console/trial/shop.ts";
import { done } from "../../../kernel/abi/ends.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";
import { openShop, type Shop, until } from "./shop.ts";

let shop: Shop;
let database: ProxyProcess;
let calls = 0;
const { customers, orders } = makeShop();
const mine = { customer: "C0042" };
const refund = { order: "O1234", amount: 100, currency: "USD", reason: "[NAME_1]" };
const values = { ...refund, reason: "Björn'); drop table shop.refunds; --" };

beforeAll(async () => {
  shop = await openShop();
  database = await startProxyProcess("database", { "database.json": shop.postgres.connection });
});
afterAll(async () => {
  await database?.end();
  await shop?.end();
});

/** Terms of a call nobody has made before. */
const fresh = (capability: string, rest: { epoch?: number } = {}) => ({
  capability,
  task: `task_${String(++calls).padStart(16, "0")}`,
  ...rest,
});
const rowsOf = async (reason: string) => {
  const [row] = await shop.query("select count(*)::int as n from shop.refunds where reason = $1", [reason]);
  return row?.["n"];
};
const create = (terms: ReturnType<typeof fresh>, reason = values.reason) =>
  database.act(terms, refund, { values: { ...refund, reason }, ...mine });

describe("reads", () => {
  test("the customer of the case, with dates as text", async () => {
    const { id: _, ...known } = customers[41] ?? { id: "" };
    expect(await database.act(fresh("customer:read"), {}, mine)).toEqual(done({ result: known }));
  });

  test("money is an integer of minor units", async () => {
    expect(await database.act(fresh("order:read"), { order: "O1300" }, { customer: "C0077" })).toMatchObject({
      value: { result: { order: "O1300", amount: 70_000, currency: "USD", refunded: 0 } },
    });
  });

  test("all orders of the customer, and none of anybody else", async () => {
    const own = orders.filter(({ customer }) => customer === "C0108").map(({ id }) => id);
    const end = await database.act(fresh("order:list"), {}, { customer: "C0108" });
    const listed = (end.end === "done" ? end.value.result : []) as { order: string }[];
    expect(listed.map(({ order }) => order).sort()).toEqual(own.sort());
  });

  test("nothing is NOT_FOUND or null, as declared", async () => {
    expect(await database.act(fresh("customer:read"), {}, { customer: "C9999" })).toMatchObject({ code: "NOT_FOUND" });
    expect(await database.act(fresh("customer:known"), {}, { customer: "C9999" })).toEqual(done({ result: null }));
  });
});

describe("attacks", () => {
  test("an order of customer B asked for in a case of customer A does not exist", async () => {
    expect(await database.act(fresh("order:read"), { order: "O1300" }, mine)).toMatchObject({ code: "NOT_FOUND" });
    const other = { ...refund, order: "O1300" };
    expect(await database.act(fresh("refund:create"), other, { ...mine })).toMatchObject({ code: "NOT_FOUND" });
  });

  test("SQL in an argument is a text", async () => {
    expect(await create(fresh("refund:create"))).toMatchObject({ end: "done" });
    expect(await rowsOf(values.reason)).toBe(1);
    const order = "O1234' or '1'='1";
    expect(await database.act(fresh("order:read"), { order }, mine)).toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  test("SQL in the customer's id is an id", async () => {
    const customer = "C0042' or true --";
    expect(await database.act(fresh("customer:read"), {}, { customer })).toMatchObject({ code: "NOT_FOUND" });
  });

  test("values changed after the permit are refused", async () => {
    const end = await database.act(fresh("refund:create"), refund, { values: { ...refund, amount: 24_750 }, ...mine });
    expect(end).toMatchObject({ code: "PERMIT_INVALID" });
  });

  test("no customer at all is refused", async () => {
    expect(await database.act(fresh("customer:read"), {}, { customer: null })).toMatchObject({
      code: "CUSTOMER_REQUIRED",
    });
  });
});

describe("an effect", () => {
  test("happens once, however often and from how many sides it is asked for", async () => {
    const terms = fresh("refund:create");
    const ends = await Promise.all(Array.from({ length: 6 }, () => create(terms, "six times")));
    expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1);
    expect(ends[0]).toMatchObject({ value: { result: { order: "O1234", amount: 100, currency: "USD" } } });
    expect(await rowsOf("six times")).toBe(1);
  });

  test("under an older epoch than was seen is refused", async () => {
    const terms = fresh("refund:create", { epoch: 5 });
    const first = await create(terms, "epoch");
    expect(await create({ ...terms, epoch: 4 }, "epoch")).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await create({ ...terms, epoch: 6 }, "epoch")).toEqual(first);
    expect(await create({ ...terms, epoch: 5 }, "epoch")).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await rowsOf("epoch")).toBe(1);
  });

  test("that was refused fences off older epochs too", async () => {
    const terms = fresh("refund:create", { epoch: 3 });
    const tooMuch = { ...refund, amount: 99_999_999 };
    expect(await database.act(terms, tooMuch, mine)).toMatchObject({ code: "CONFLICT" });
    expect(await database.act({ ...terms, epoch: 2 }, tooMuch, mine)).toMatchObject({ code: "PERMIT_EXPIRED" });
  });

  test("decided void stays undone, until a newer epoch asks for it", async () => {
    const terms = fresh("refund:create");
    expect(await database.decide(terms, refund)).toEqual(done({ decided: "void", result: null }));
    expect(await create(terms, "void")).toMatchObject({ code: "CONFLICT" });
    expect(await rowsOf("void")).toBe(0);
    expect(await create({ ...terms, epoch: 2 }, "void")).toMatchObject({ end: "done" });
    expect(await database.decide({ ...terms, epoch: 3 }, refund)).toMatchObject({ value: { decided: "happened" } });
    expect(await rowsOf("void")).toBe(1);
  });

  test("and its decision at the same moment agree", async () => {
    for (let round = 0; round < 10; round++) {
      const terms = fresh("refund:create");
      const [acted, decided] = await Promise.all([create(terms, `race ${round}`), database.decide(terms, refund)]);
      const happened = decided.end === "done" && decided.value.decided === "happened";
      expect(acted.end).toBe(happened ? "done" : "refused");
      expect(await rowsOf(`race ${round}`)).toBe(happened ? 1 : 0);
    }
  });

  test("beyond what was paid is the shop's own CONFLICT, and side by side they do not pass it together", async () => {
    const half = { order: "O1401", amount: 4000, currency: "USD", reason: "half" };
    const given = { customer: "C0108" };
    const ends = await Promise.all([1, 2, 3].map(() => database.act(fresh("refund:create"), half, given)));
    expect(ends.filter(({ end }) => end === "done")).toHaveLength(1);
    expect(ends.filter((end) => end.end === "refused" && end.code === "CONFLICT")).toHaveLength(2);
    expect(await rowsOf("half")).toBe(1);
  });

  test("on an address somebody has is CONFLICT", async () => {
    const taken = customers[0]?.email ?? "";
    const end = await database.act(
      fresh("customer:update_email"),
      { email: "[EMAIL_1]" },
      { values: { email: taken }, ...mine },
    );
    expect(end).toMatchObject({ code: "CONFLICT" });
    const free = { values: { email: "new@example.org" }, ...mine };
    expect(await database.act(fresh("customer:update_email"), { email: "[EMAIL_1]" }, free)).toEqual(
      done({ result: { updated: true } }),
    );
  });
});

describe("kill -9 of the proxy", () => {
  const sleepers = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
  // A refund whose reason is "slow" takes a moment in COMMIT itself: the effect is certain then, and nobody has been told.
  beforeAll(async () => {
    await shop.query(`create function shop.dawdle() returns trigger language plpgsql as
      $$ begin if new.reason = 'slow' then perform pg_sleep(1); end if; return null; end $$`);
    await shop.query(`create constraint trigger dawdle after insert on shop.refunds
      deferrable initially deferred for each row execute function shop.dawdle()`);
  });

  test("between effect and answer: the next attempt gets the recorded result, and there is one row", async () => {
    const terms = fresh("refund:create");
    const first = create(terms, "slow");
    await until(shop, sleepers);
    await database.kill9();
    expect(await first).toEqual({ end: "lost" });
    await database.restart();
    const second = await create({ ...terms, epoch: 2 }, "slow");
    expect(second).toMatchObject({ end: "done" });
    expect(await rowsOf("slow")).toBe(1);
    expect(await database.decide({ ...terms, epoch: 3 }, refund)).toMatchObject({ value: { decided: "happened" } });
  });

  test("before the effect: nothing stays, and the next attempt acts", async () => {
    const terms = fresh("refund:create");
    const holder = shop.query(
      "begin; select 1 from shop.orders where id = 'O1234' for update; select pg_sleep(1); commit",
    );
    await until(shop, sleepers);
    const first = create(terms, "early");
    await until(shop, "select count(*) from pg_stat_activity where wait_event_type = 'Lock'");
    await database.kill9();
    expect(await first).toEqual({ end: "lost" });
    await holder;
    await database.restart();
    expect(await create(terms, "early")).toMatchObject({ end: "done" });
    expect(await rowsOf("early")).toBe(1);
  });
});

test("told to stop, the proxy answers what is in hand and takes nothing new", async () => {
  const first = create(fresh("refund:create"), "slow");
  await until(shop, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'");
  const stopped = database.stop();
  expect(await first).toMatchObject({ end: "done" });
  expect(await stopped).toBe(0);
  await database.restart();
});

describe("the database", () => {
  test("ending a session in the middle of an effect changes nothing about once", async () => {
    const terms = fresh("refund:create");
    const first = create(terms, "slow");
    await until(shop, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'");
    await shop.query("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
    expect(await first).toMatchObject({ end: "done" });
    expect(await database.decide(terms, refund)).toMatchObject({ value: { decided: "happened" } });
  });

  test("gone is later, and back is as before", async () => {
    await shop.stopServer();
    expect(await create(fresh("refund:create"), "gone")).toMatchObject({ end: "later" });
    await shop.startServer();
    expect(await create(fresh("refund:create"), "gone")).toMatchObject({ end: "done" });
  });
});

test("its log says what failed, and nothing personal", () => {
  expect(database.log()).toContain("57P01");
  expect(database.log()).not.toMatch(/example\.(org|com|net)|O1234|C0042|Björn/);
});
