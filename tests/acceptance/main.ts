/**
 * The acceptance, inside the workshop: `node tests/acceptance/main.ts boot|core|all [WORD…]` tries the claims of that set, or those whose
 * path has one of the words, against the build that SILO_BUILD names. Its last line is `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

const SETS: Record<string, readonly string[]> = {
  boot: ["claims/boots"],
  core: ["claims/boots", "claims/corrupt-root", "claims/shipped"],
  all: [],
};
const REPORT = "/tmp/acceptance.json";

const [set = "all", ...words] = process.argv.slice(2);
const claims = words.length > 0 ? words : SETS[set];
if (claims === undefined) throw new Error(`'${set}' is none of ${Object.keys(SETS).join(", ")}.`);

const vitest = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "--configLoader=native",
  "--config=tests/acceptance/vitest.config.ts",
  "--reporter=verbose",
  "--reporter=json",
  `--outputFile.json=${REPORT}`,
  ...claims,
];
rmSync(REPORT, { force: true });
const { status } = spawnSync(process.execPath, vitest, { stdio: "inherit", env: { ...process.env, NO_COLOR: "1" } });
const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(REPORT, "utf8")) as Record<string, number>;
console.log(`\n${numPassedTests} passed, ${Number(numTotalTests) - Number(numPassedTests)} failed`);
process.exitCode = status ?? 1;
