import { expect, test } from "vitest";
import { OneCustomer } from "../../../proxies/proxy/one-customer.ts";
import { permitFor } from "./permits.ts";

const permit = (step: number, expires = 1000) =>
  permitFor("database", { capability: "customer:read", step, expires }, {});

test("a permit works again for the customer it was used for, and for no other", () => {
  const customers = new OneCustomer();
  expect(customers.admit(permit(1), "C1", 0)).toMatchObject({ end: "done" });
  expect(customers.admit(permit(1), "C2", 0)).toMatchObject({ end: "refused", code: "PERMIT_INVALID" });
  expect(customers.admit(permit(1), null, 0)).toMatchObject({ end: "refused", code: "PERMIT_INVALID" });
  expect(customers.admit(permit(1), "C1", 0)).toMatchObject({ end: "done" });
});

test("another permit is for whom it is used", () => {
  const customers = new OneCustomer();
  expect(customers.admit(permit(1), "C1", 0)).toMatchObject({ end: "done" });
  expect(customers.admit(permit(2), "C2", 0)).toMatchObject({ end: "done" });
});

test("what is remembered goes with the permit's expiry, and not before", () => {
  const customers = new OneCustomer();
  customers.admit(permit(1, 1000), "C1", 0);
  customers.admit(permit(2, 2000), "C1", 999);
  expect(customers.size).toBe(2);
  customers.admit(permit(3, 2000), "C1", 1000);
  expect(customers.size).toBe(2);
});
