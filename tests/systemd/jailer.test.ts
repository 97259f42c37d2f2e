/** The jailer's unit leaves it what cells are made with and no more: each capability is taken away, and a cell does not come up. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { readUnit, words } from "./unit-file.ts";

const left = words(readUnit("silo-jailer.service"), "CapabilityBoundingSet").map((name) =>
  name.slice("CAP_".length).toLowerCase(),
);

/** Starts one cell of each isolation, by a process that has these capabilities alone; why one was not offered. */
function cellsWith(capabilities: readonly string[]): (string | null)[] {
  const set = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  const argv = [`--bounding-set=${set}`, "--inh-caps=-all", process.execPath, "/opt/silo/jail/try.ts"];
  const { stdout } = spawnSync("setpriv", argv, { encoding: "utf8" });
  return (JSON.parse(stdout) as { why: string | null }[]).map(({ why }) => why);
}

test("with what the unit leaves, cells of both isolations come up", () => {
  expect(cellsWith(left)).toEqual([null, null]);
});

describe("is needed", () => {
  // Ending a cell is not part of trying one: jail/processes.ts kills by user.
  test.each(left.filter((name) => name !== "kill"))("%s", (name) => {
    expect(cellsWith(left.filter((other) => other !== name))).toContainEqual(expect.any(String));
  });
});
