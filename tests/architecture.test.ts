import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { services } from "../console/up/processes.ts";

const page = readFileSync(new URL("../ARCHITECTURE.md", import.meta.url), "utf8");
const table = page.slice(page.indexOf("| process |"), page.indexOf("| cell |"));
const rows = table
  .split("\n")
  .slice(2)
  .flatMap((row) => {
    const [, names = "", , , , network = ""] = row.split("|").map((cell) => cell.trim());
    return names === "" ? [] : names.split(", ").map((name) => [name, network.startsWith("none") ? "none" : "host"]);
  });

test("ARCHITECTURE.md names every process that is started, and whether it has a network", () => {
  expect(rows.sort()).toEqual(services.map(({ name, network }) => [name, network]).sort());
});
