/** One cell without the appliance: the same tool with the same flags on a socket of our own. The floor of a cold start. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { Writable } from "node:stream";
import { places } from "../../jail/inside.ts";
import { isolations } from "../../jail/isolations.ts";
import { SLOTS_MAX } from "../../kernel/abi/bounds.ts";
import type { Isolation } from "../../kernel/abi/messages.ts";
import { type EchoDoor, openEchoDoor } from "./echo-door.ts";

const SOCKETS = "/tmp/bench-cells";
/** Behind those of cells, so that no appliance of this machine uses them. */
const FIRST_SLOT = SLOTS_MAX;

export type RawRun = { millisToFirstFrame: number; fields: Record<string, unknown> };

/** Runs the agent of `bundle` once against an echo door, on a task with these fields. Those at once have places of their own. */
export async function runRawCell(
  bundle: string,
  fields: Record<string, number>,
  isolation: Isolation = "nspawn",
  place = 0,
): Promise<RawRun> {
  const slot = FIRST_SLOT + place;
  mkdirSync(`${SOCKETS}/${slot}`, { recursive: true });
  const door = openEchoDoor(`${SOCKETS}/${slot}/membrane`, document(fields));
  const resources = { memory_mib: 256, work_mib: 4, processes: 8, files: 128, output_kib: 64 };
  const start = {
    slot,
    cell: `cell_${String(slot).padStart(16, "0")}`,
    isolation,
    bundle,
    deadline_ms: 1,
    resources,
  } as const;
  const { argv, environment, given } = isolations[isolation].command(start, { ...places, sockets: SOCKETS });
  const [program = "", ...rest] = argv;
  const begun = performance.now();
  const third = given === null ? "ignore" : "pipe";
  const child = spawn(program, rest, { stdio: ["ignore", "ignore", "ignore", third], env: environment, cwd: "/" });
  if (child.stdio[3] instanceof Writable) child.stdio[3].end(given);
  const run = await finish(door, begun);
  if (child.exitCode === null) await once(child, "exit");
  door.close();
  return run;
}

async function finish(door: EchoDoor, begun: number): Promise<RawRun> {
  return { millisToFirstFrame: (await door.firstFrame) - begun, fields: await door.completed };
}

function document(fields: Record<string, number>): object {
  return {
    task: "task_0000000000000000",
    case: "case_0000000000000000",
    kind: "bench",
    role: "bench",
    customer: null,
    fields,
    text: "",
    mode: "live",
    now: Date.now(),
    first_step: 1,
    history: [],
    click: null,
  };
}
