/**
 * One cell with guards taken out of its command. Its tree and folders are copies that may be written, so that what keeps an agent from
 * writing is the cell's guards and not these. Runs as root inside the build root.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type Places, places } from "../../jail/inside.ts";
import type { Command } from "../../jail/isolation.ts";
import { isolations } from "../../jail/isolations.ts";
import { startRequest } from "../jail/jailer.ts";
import { guards, type Place } from "./guards.ts";

const SLOT = 91;
const BUNDLE = "0".repeat(64);
const PROGRAM = "lowered.py";
const resources = { memory_mib: 128, work_mib: 16, processes: 16, files: 64, output_kib: 64 };

/** What attacks got in a cell, or in runsc's place, without the guards `taken`; nothing where no cell came up. */
export async function runLowered(
  place: Place,
  taken: readonly string[],
  attacks: readonly string[],
): Promise<Record<string, unknown>> {
  const state = mkdtempSync(join(tmpdir(), "silo-lowered-"));
  try {
    const program = ["/usr/bin/python3", "-S", "-P", `/bundle/${PROGRAM}`, "filter", ...attacks];
    let command = commandOf(place, program, copiesIn(state));
    for (const name of taken) command = guards[place][name]?.takeOut(command) ?? command;
    const said = await outputOf(command);
    return said.startsWith("{") ? (JSON.parse(said) as Record<string, unknown>) : {};
  } finally {
    spawnSync("umount", [`${state}/tree`]);
    rmSync(state, { recursive: true, force: true });
  }
}

/** The command of a cell, or of what runs a cell of gVisor, with `program` in place of its own. */
export function commandOf(place: Place, program: readonly string[], at: Places = places): Command {
  const isolation = place === "sentry" ? "gvisor" : place;
  const command = isolations[isolation].command(startRequest(BUNDLE, { slot: SLOT, isolation, resources }), at);
  const last = command.argv.lastIndexOf("--") + 1;
  if (place === "nspawn") return { ...command, argv: [...command.argv.slice(0, last), ...program] };
  if (place === "sentry") {
    const unfiltered = program.map((one) => (one === "filter" ? "no-filter" : one));
    return { ...command, argv: [...command.argv.slice(0, last), ...unfiltered] };
  }
  const config = JSON.parse(command.given ?? "") as { process: { args: readonly string[] } };
  config.process.args = program;
  return { ...command, given: JSON.stringify(config) };
}

function copiesIn(state: string): Places {
  chmodSync(state, 0o711);
  for (const folder of ["upper", "rest", "tree", `cells/${SLOT}`]) mkdirSync(join(state, folder), { recursive: true });
  const layers = `lowerdir=${places.tree},upperdir=${state}/upper,workdir=${state}/rest`;
  const { status, stderr } = spawnSync("mount", ["-t", "overlay", "-o", layers, "silo-lowered", `${state}/tree`]);
  if (status !== 0) throw new Error(`A copy of the tree cannot be made: ${stderr}`);
  const bundle = `${state}/bundles/${BUNDLE}`;
  cpSync(beside("../../agents/hostile"), bundle, { recursive: true });
  cpSync(beside(PROGRAM), join(bundle, PROGRAM));
  cpSync(places.sdk, `${state}/sdk`, { recursive: true });
  cpSync(places.runner, `${state}/runner`, { recursive: true });
  return {
    tree: `${state}/tree`,
    bundles: `${state}/bundles`,
    sockets: `${state}/cells`,
    sdk: `${state}/sdk`,
    runner: `${state}/runner`,
    proc: places.proc,
  };
}

function beside(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

async function outputOf({ argv: [first = "", ...rest], environment, given }: Command): Promise<string> {
  const stdio = ["ignore", "pipe", "ignore", given === null ? "ignore" : "pipe"] as const;
  const child = spawn(first, rest, { stdio: [...stdio], env: environment, cwd: "/" });
  if (child.stdio[3] instanceof Writable) child.stdio[3].on("error", () => undefined).end(given);
  const [said] = await Promise.all([text(child.stdout as NonNullable<typeof child.stdout>), once(child, "exit")]);
  return said;
}
