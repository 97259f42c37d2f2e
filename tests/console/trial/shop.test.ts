/** The trial's shop: the same thousand customers everywhere, and orders the story can rely on. */
import { expect, test } from "vitest";
import { makeShop, story } from "../../../console/trial/shop.ts";

const { customers, orders } = makeShop();

test("it is the same shop each time", () => {
  expect(makeShop()).toEqual({ customers, orders });
});

test("it has a thousand customers, no two alike in anything that names them", () => {
  expect(customers).toHaveLength(1000);
  expect(customers[0]?.id).toBe("C0001");
  expect(customers[999]?.id).toBe("C1000");
  for (const field of ["id", "name", "email", "phone"] as const)
    expect(new Set(customers.map((customer) => customer[field])).size, field).toBe(1000);
});

test("hundreds of names are not plain ASCII, and all mail addresses are", () => {
  expect(customers.filter(({ name }) => /[^\x20-\x7e]/.test(name)).length).toBeGreaterThan(300);
  for (const { email } of customers) expect(email).toMatch(/^[a-z]+\.[a-z]+\d*@example\.(com|net|org)$/);
});

test("orders have numbers of their own and belong to customers", () => {
  const ids = new Set(customers.map(({ id }) => id));
  expect(new Set(orders.map(({ id }) => id)).size).toBe(orders.length);
  for (const { id, customer, amount } of orders) {
    expect(id).toMatch(/^O\d{4}$/);
    expect(ids.has(customer)).toBe(true);
    expect(Number.isSafeInteger(amount) && amount > 0).toBe(true);
  }
});

test("the story's orders are its customers' and worth what it says", () => {
  const { refund, large, many } = story;
  const expected = [refund, large, ...many.orders.map((order) => ({ ...many, order }))];
  for (const { customer, order, amount } of expected)
    expect(orders.find(({ id }) => id === order)).toMatchObject({ customer, amount, currency: "USD" });
});
