import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digest } from "../../kernel/abi/json.ts";
import { performs } from "../../kernel/abi/modes.ts";
import { permit } from "../../kernel/permits.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const place = {
  task: "task_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  case: "case_0123456789abcdef",
  step: 1,
  epoch: 1,
  arguments: digest({}),
};

test("whatever the mode and the operation, nothing is signed that the mode does not perform", () => {
  const operations = [...world.core.operations].map(([capability, { proxy, effect }]) => ({
    ...{ capability, proxy, effect },
  }));
  fc.assert(
    fc.property(
      fc.constantFrom(...operations),
      fc.constantFrom("live", "shadow", "try", "replay"),
      ({ capability, proxy, effect }, mode) => {
        const sign = () => permit(world.core, { ...place, capability, proxy, mode });
        if (performs(mode, effect)) expect(sign()).toMatchObject({ capability, mode });
        else expect(sign).toThrow("is not performed in mode");
        expect(mode === "live" || effect === "read" || !performs(mode, effect)).toBe(true);
      },
    ),
  );
});

test("what nobody declares any more counts as an effect", () => {
  const gone = { ...place, capability: "refund:undo", proxy: "database" };
  expect(() => permit(world.core, { ...gone, mode: "shadow" })).toThrow("is not performed");
  expect(permit(world.core, { ...gone, mode: "live" })).toMatchObject({ mode: "live" });
});
