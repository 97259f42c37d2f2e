/** `silo audit cosign`: a checkpoint that witnesses have cosigned, brought back to the log. */
import { readFileSync } from "node:fs";
import { CommandEnd, exits } from "./exits.ts";
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { count, localTime } from "./text.ts";

const STDIN = 0;

/** From the file, or without one from standard input. */
export async function auditCosign(world: World, file: string | undefined): Promise<Output> {
  const note = read(file);
  const found = await withKernel(findPlaces(world.state), world.person, (ask) => ask("audit_cosign", { note }));
  const lines = found.taken.map(
    ({ witness, size, at }) =>
      `${witness} has cosigned the first ${count(size, "entry", "entries")}, ${localTime(at)}.`,
  );
  return { json: found, text: lines.join("\n") };
}

function read(file: string | undefined): string {
  try {
    return readFileSync(file ?? STDIN, "utf8");
  } catch {
    throw new CommandEnd(exits.usage, `${file ?? "Standard input"} cannot be read.`);
  }
}
