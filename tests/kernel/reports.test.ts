import { afterEach, beforeEach, expect, test } from "vitest";
import { checkPermit } from "../../kernel/abi/permit.ts";
import { finding, lookup } from "../../kernel/reports.ts";
import { codeOf, lease, logged, now, openWorld, permitKey, submitTask, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const place = { lookup: "look_0000000000000000", case: "case_0000000000000000" };
const report = (over = {}) =>
  now(world, () =>
    finding(world.core, {
      cell: null,
      code: "MALFORMED",
      capability: null,
      step: null,
      detail: "at the door",
      ...over,
    }),
  );
const last = () => JSON.parse(world.store.audit.all().at(-1)?.value.entry ?? "");

test("a finding enters the log with the attempt its cell makes", () => {
  const task = submitTask(world);
  const { cell, assignment } = lease(world, task).lease;
  report({ cell, code: "KEY_INVALID", step: 3, capability: "order:list" });
  expect(last()).toMatchObject({
    verb: "finding",
    code: "KEY_INVALID",
    task,
    assignment,
    cell,
    step: 3,
    capability: "order:list",
  });
});

test("what a stranger named does not enter the log", () => {
  report({ capability: "john:smith", detail: "John Smith", step: 0 });
  expect(logged(world).at(-1)).toBe("finding MALFORMED");
  expect(JSON.stringify(last())).not.toMatch(/john|Smith|step/);
});

test("the vault gets a permit for its own operations only, and it is in the log", () => {
  const end = now(world, () => lookup(world.core, { ...place, capability: "customer:known", arguments: {} }));
  if (end.end !== "done") throw new Error(codeOf(end));
  const call = {
    proxy: "database",
    capability: "customer:known",
    effect: "read" as const,
    arguments: {},
    now: world.clock.now,
  };
  expect(checkPermit(end.value.permit, call, permitKey("database")).end).toBe("done");
  expect(last()).toMatchObject({ verb: "lookup", task: place.lookup });
  for (const capability of ["customer:read", "refund:create", "vault:open"])
    expect(codeOf(now(world, () => lookup(world.core, { ...place, capability, arguments: {} })))).toBe(
      "CAPABILITY_NOT_GRANTED",
    );
});
