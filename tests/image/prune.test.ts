import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CHECKOUT } from "./run.ts";

const lines = (path: string) =>
  readFileSync(join(CHECKOUT, path), "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("#"));

describe("what is taken out of the appliance", () => {
  const entries = lines("image/appliance.prune");

  test("is a package or a path a line, with its reason, sorted", () => {
    for (const line of entries) expect(line).toMatch(/^(\/\S+|[a-z0-9.+-]+) +# \S.{5,}$/);
    const [packages, paths] = [
      entries.filter((line) => !line.startsWith("/")),
      entries.filter((line) => line.startsWith("/")),
    ];
    for (const part of [packages, paths]) expect(part.map(name)).toEqual(part.map(name).sort());
    expect(entries).toEqual([...packages, ...paths]);
  });

  test("is nothing the product needs", () => {
    const kept = lines("image/packages/system.list").map(name);
    expect(entries.map(name).filter((entry) => kept.includes(entry))).toEqual([]);
  });
});

function name(line: string): string {
  return line.split(/ +#/)[0] as string;
}
