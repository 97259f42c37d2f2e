/** Writes the compiled syscall filter of each process where setpriv(1) loads it from. */
import { writeFileSync } from "node:fs";
import { compileFilter, parseCallTable } from "./filter.ts";
import { LaunchError } from "./launch-error.ts";
import type { Service } from "./processes.ts";
import { filterPath } from "./spawn.ts";

/** `callTable` is what `enosys --list` prints. Throws on a machine whose calls we cannot name. */
export function writeFilters(services: readonly Service[], run: string, callTable: string): void {
  const { arch } = process;
  if (arch !== "x64" && arch !== "arm64") throw new LaunchError(`There is no syscall filter for ${arch}.`);
  const table = parseCallTable(callTable);
  if (table.size === 0) throw new LaunchError("enosys names no system calls, so no filter can be made.");
  for (const service of services)
    writeFileSync(filterPath(run, service), compileFilter(service.name, table, arch), { mode: 0o444 });
}
