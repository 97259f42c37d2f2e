/** What a vault that was taken over can do and cannot, on a whole running appliance: it holds the cases, the binds and the proxies' edges. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { story } from "../../../console/trial/shop.ts";
import { describeKernelEdge } from "./kernel-edge.ts";
import { describeLies } from "./lies.ts";
import { describePermits } from "./permits.ts";
import { customerOf, type HostileVault, type Kept, startHostileVault } from "./strings.ts";

const { customer, order } = story.refund;

let vault: HostileVault;
let task: string;
let expiring: Kept;

beforeAll(async () => {
  vault = await startHostileVault();
  task = await vault.submit("refund", customer, { order, amount: "247.50 USD" });
}, 120_000);
afterAll(() => vault?.appliance.stop(), 30_000);

describePermits(
  () => vault,
  () => task,
  (kept) => {
    expiring = kept;
  },
);
describeKernelEdge(
  () => vault,
  () => task,
);
describeLies(() => vault);

test("a vault that was taken over can read the values of open cases", async () => {
  const values = await vault.valuesHeard();
  expect(values).toContain(customerOf("C0300").name);
});

test("a vault that was taken over cannot act with a permit that has expired", async () => {
  const { expires } = expiring.permit;
  await pause(Math.max(0, expires + 1 - Date.now()));
  expect(await vault.act("database", vault.actOf(expiring, customer))).toBe("PERMIT_EXPIRED");
});
