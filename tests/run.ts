/**
 * `npm test [-- PATH…]`: all tests, or those whose path contains one of the words.
 *
 * Tests of the image run on the host; all others run inside the build root, on the same Debian the product ships. The
 * closing line counts both: `N passed, N failed`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureTrees, enterBuildRoot } from "../image/buildroot.ts";
import { smscBind } from "./smsc/bind.ts";

const VITEST = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "--configLoader=native",
  "--reporter=default",
  "--reporter=json",
  "--passWithNoTests",
];

type Count = { passed: number; failed: number };

async function main(words: string[]): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), "silo-test-"));
  try {
    const onHost = await vitest("host", words, scratch, (argv) => spawn(process.execPath, argv, { stdio: "inherit" }));
    await ensureTrees((line) => console.error(line));
    const smsc = smscBind(words);
    const inBuildRoot = await vitest("buildroot", words, scratch, (argv) =>
      enterBuildRoot({
        state: join(scratch, "state"),
        binds: [{ host: scratch, inside: scratch }, ...smsc],
        argv: ["node", ...argv],
      }),
    );
    const total = { passed: onHost.passed + inBuildRoot.passed, failed: onHost.failed + inBuildRoot.failed };
    if (total.passed + total.failed === 0) console.log(`No test matches ${words.join(" ")}.`);
    console.log(`\n${total.passed} passed, ${total.failed} failed`);
    return total.failed === 0 && total.passed > 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs one project. A run that ends badly without naming a failed test counts as one failure. */
async function vitest(
  project: string,
  words: string[],
  scratch: string,
  start: (argv: string[]) => ChildProcess,
): Promise<Count> {
  const report = join(scratch, `${project}.json`);
  const status = await ended(start([...VITEST, `--outputFile.json=${report}`, "--project", project, ...words]));
  const count = readCount(report);
  return status !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

function readCount(report: string): Count {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8")) as Record<string, number>;
    return { passed: numPassedTests ?? 0, failed: numFailedTests ?? 0 };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function ended(child: ChildProcess): Promise<number> {
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", forward).once("SIGTERM", forward);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main(process.argv.slice(2));
