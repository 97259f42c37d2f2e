/**
 * `npm run mutate -- [--json] [FILE…]`: changes the guards in every small way, one at a time, and says which change no test notices.
 *
 * Not 0 when a mutant survives that accepted.yaml does not name, or when an entry of accepted.yaml is met by no survivor. Runs on this
 * machine as it is: no root, no build root. A mutant that runs without end counts as noticed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { LogLevel, MutantResult } from "@stryker-mutator/api/core";
import { Stryker } from "@stryker-mutator/core";
import { compare, mutatedSource, readAccepted } from "./accepted.ts";
import { type Target, targets } from "./targets.ts";

/** On top of what the tests of a mutant take without it, and half as much again. */
const TIMEOUT_MS = 5_000;
const IGNORED = [".git", "image", "systemd", "nftables", "packer"];

type Survivor = { file: string; line: number; mutator: string; mutant: string };
type Count = { mutants: number; killed: number; timed_out: number; survived: number; accepted: number };

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    options: { json: { type: "boolean" } },
    allowPositionals: true,
  });
  const known = targets.flatMap(({ files }) => files);
  const wanted = positionals.length === 0 ? known : positionals;
  const strange = wanted.filter((file) => !known.includes(file));
  if (strange.length > 0) {
    console.error(`Not mutated: ${strange.join(", ")}. Choose from:\n${known.join("\n")}`);
    return 2;
  }
  const results = await mutateAll(wanted);
  const survivors = results.filter(survived).map(survivorOf);
  const accepted = readAccepted().filter(({ file }) => wanted.includes(file));
  const { unaccepted, stale } = compare(survivors, accepted);
  const files = Object.fromEntries(wanted.map((file) => [file, countOf(file, results, unaccepted)]));
  if (values.json) console.log(JSON.stringify({ files, survivors: unaccepted, stale }));
  else tell(files, unaccepted, stale);
  return unaccepted.length + stale.length === 0 ? 0 : 1;
}

async function mutateAll(wanted: string[]): Promise<MutantResult[]> {
  const results: MutantResult[] = [];
  for (const { files, tests } of targets) {
    const chosen = files.filter((file) => wanted.includes(file));
    if (chosen.length === 0) continue;
    console.error(`mutating ${chosen.join(", ")}`);
    results.push(...(await mutate({ files: chosen, tests })));
  }
  return results.filter(({ status }) => status !== "Ignored");
}

async function mutate({ files, tests }: Target): Promise<MutantResult[]> {
  const scratch = mkdtempSync(join(tmpdir(), "silo-mutate-"));
  process.env["SILO_MUTATE_TESTS"] = tests.join(",");
  try {
    const stryker = new Stryker({
      mutate: [...files],
      testRunner: "vitest",
      plugins: ["@stryker-mutator/vitest-runner", fileURLToPath(new URL("plugins.ts", import.meta.url))],
      ignorers: ["sentences"],
      reporters: ["told"],
      vitest: { configFile: "tests/mutate/vitest.config.ts", related: false, pool: "threads" },
      coverageAnalysis: "perTest",
      concurrency: availableParallelism(),
      timeoutMS: TIMEOUT_MS,
      tempDirName: scratch,
      ignorePatterns: IGNORED,
      disableTypeChecks: false,
      logLevel: "error" as LogLevel,
      checkers: [],
    });
    return await stryker.runMutationTest();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A mutant with which a test file cannot even be loaded has been noticed. */
function survived({ status }: MutantResult): boolean {
  return status !== "Killed" && status !== "Timeout" && status !== "RuntimeError";
}

function survivorOf({ fileName, location, mutatorName, replacement }: MutantResult): Survivor {
  const mutant = mutatedSource(readFileSync(fileName, "utf8"), location, replacement ?? "");
  return { file: relative(fileName), line: location.start.line, mutator: mutatorName, mutant };
}

function relative(fileName: string): string {
  return fileName.slice(process.cwd().length + 1);
}

function countOf(file: string, results: MutantResult[], unaccepted: Survivor[]): Count {
  const own = results.filter(({ fileName }) => relative(fileName) === file);
  const withStatus = (status: string) => own.filter((result) => result.status === status).length;
  const survivedHere = unaccepted.filter((survivor) => survivor.file === file).length;
  return {
    mutants: own.length,
    killed: withStatus("Killed") + withStatus("RuntimeError"),
    timed_out: withStatus("Timeout"),
    survived: survivedHere,
    accepted: own.filter(survived).length - survivedHere,
  };
}

function tell(files: Record<string, Count>, survivors: Survivor[], stale: { file: string; mutant: string }[]): void {
  for (const { file, line, mutator, mutant } of survivors)
    console.log(`survived ${file}:${line} ${mutator}: ${mutant}`);
  for (const { file, mutant } of stale) console.log(`accepted, but survives no more: ${file}: ${mutant}`);
  console.table(files);
  const sum = Object.values(files).reduce((all, { survived }) => all + survived, 0);
  console.log(`${sum} survived, ${stale.length} stale`);
}

process.exitCode = await main(process.argv.slice(2));
