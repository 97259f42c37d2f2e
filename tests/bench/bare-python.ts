/** The cells' own interpreter without a cell: the floor of a start that finds a cell, and of a cell's memory. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { places } from "../../jail/inside.ts";
import { memoryOf } from "./memory.ts";

const PROGRAM = `${places.tree}/usr/bin/python3`;
const LIBRARIES = `${places.tree}/usr/lib/x86_64-linux-gnu`;
const WAITS = "print(flush=True); input()";

/** Milliseconds that `python3 -c pass` takes from its start to its end. */
export async function timeOfBare(): Promise<number> {
  const begun = performance.now();
  await once(python("pass", "ignore"), "exit");
  return performance.now() - begun;
}

/** MiB of one that waits. */
export async function memoryOfBare(): Promise<number> {
  const child = python(WAITS, ["pipe", "pipe", "ignore"]);
  await once(child.stdout as Readable, "data");
  const mib = memoryOf([child.pid as number]);
  child.kill("SIGKILL");
  await once(child, "exit");
  return mib;
}

function python(code: string, stdio: StdioOptions): ChildProcess {
  return spawn(PROGRAM, ["-c", code], { env: { LD_LIBRARY_PATH: LIBRARIES }, stdio });
}
