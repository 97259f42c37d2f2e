/** The judge of `npm run mutate`: what it lets pass, and that its lists speak of what is there. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { compare, mutatedSource, readAccepted } from "./accepted.ts";
import { targets } from "./targets.ts";

const one = { file: "a.ts", mutant: "if (true) {" };
const entry = { ...one, why: "a reason" };

test("a survivor passes only by an entry of its own", () => {
  expect(compare([one], [entry])).toEqual({ unaccepted: [], stale: [] });
  expect(compare([one], [])).toEqual({ unaccepted: [one], stale: [] });
  expect(compare([one, one], [entry])).toEqual({ unaccepted: [one], stale: [] });
  expect(compare([one], [{ ...entry, file: "b.ts" }]).unaccepted).toEqual([one]);
  expect(compare([one], [{ ...entry, mutant: "if (false) {" }]).unaccepted).toEqual([one]);
});

test("an entry that no survivor answers to is stale", () => {
  expect(compare([], [entry])).toEqual({ unaccepted: [], stale: [entry] });
  expect(compare([one], [entry, entry])).toEqual({ unaccepted: [], stale: [entry] });
});

test("a mutant is told by the whole lines it stands in", () => {
  const source = "first\n  if (a && b) return;\n  last {\n    body\n  }\n";
  expect(mutatedSource(source, { start: { line: 2, column: 7 }, end: { line: 2, column: 13 } }, "true")).toBe(
    "if (true) return;",
  );
  expect(mutatedSource(source, { start: { line: 3, column: 8 }, end: { line: 5, column: 4 } }, "{}")).toBe("last {}");
});

test("what is mutated, and the tests that must notice, exist; what is accepted is of a file that is mutated", () => {
  const files = targets.flatMap(({ files }) => files);
  const paths = [...files, ...targets.flatMap(({ tests }) => tests)];
  expect(paths.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
  expect(new Set(files).size).toBe(files.length);
  expect(readAccepted().filter(({ file }) => !files.includes(file))).toEqual([]);
});
