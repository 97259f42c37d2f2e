import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { compose } from "../../../image/steps/compose.ts";
import { build } from "../world.ts";

const AGAIN = "/var/silo/again";

afterAll(() => rmSync(AGAIN, { recursive: true, force: true }));

test("the root, made a second time at another place, has the same hash", () => {
  mkdirSync(AGAIN, { recursive: true });
  const again = { ...build, tree: `${AGAIN}/tree`, disk: `${AGAIN}/disk.raw` };
  expect(compose(again)).toBe(readFileSync(build.rootHash, "utf8").trim());
});
