/** The numbers and names that cells end with are the same on both sides. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DOOR_SILENT, NOT_SEALED, PROBE_FAILED_FIRST, probeChecks } from "../../kernel/probe-checks.ts";

const read = (name: string) => readFileSync(new URL(`../../jail/cell/${name}`, import.meta.url), "utf8");

test("the checks are those of probe.py, in its order", () => {
  const tuple = /^CHECKS: .* = \(\n([^)]*)\)/m.exec(read("probe.py"))?.[1] ?? "";
  const names = tuple.match(/\w+/g)?.map((name) => name.replace(/^_/, ""));
  expect(names).toEqual([...probeChecks]);
});

test("the exit codes are those of run.py", () => {
  const run = read("run.py");
  const codeOf = (name: string) => Number(new RegExp(`^${name} = (\\d+)$`, "m").exec(run)?.[1]);
  expect([codeOf("NOT_SEALED"), codeOf("DOOR_SILENT"), codeOf("PROBE_FAILED_FIRST")]).toEqual([
    NOT_SEALED,
    DOOR_SILENT,
    PROBE_FAILED_FIRST,
  ]);
});
