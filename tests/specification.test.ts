import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../SPECIFICATION.md", import.meta.url), "utf8");
const promises = [...page.matchAll(/^\| (P\d+) \|(.*)\|(.*)\|$/gm)];

test("promises are numbered without gaps, in whatever order they stand", () => {
  const numbers = promises.map(([, number]) => Number(number?.slice(1))).sort((a, b) => a - b);
  expect(numbers).toEqual(promises.map((_, index) => index + 1));
});

test.each(promises.map(([, number, , tests]) => ({ number, tests: tests ?? "" })))(
  "$number is held by tests that exist",
  ({ tests }) => {
    const paths = [...tests.matchAll(/`(tests\/[^`]+)`/g)].map(([, path]) => path ?? "");
    expect(paths).not.toEqual([]);
    expect(paths.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([]);
  },
);
