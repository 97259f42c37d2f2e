/**
 * Starts one real cell that runs nobody's code, to see whether this host can: `node jail/try.ts ISOLATION`. It goes through everything
 * a cell goes through until it is offered, and then it is over. Prints one line of JSON.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SLOTS_MAX } from "../kernel/abi/bounds.ts";
import type { Start } from "./messages.ts";
import { nspawnArguments, nspawnEnvironment, places } from "./nspawn.ts";
import { processesIn, slotUids } from "./processes.ts";

/** How each isolation that is there is started. */
const isolations: Record<string, (start: Start, at: typeof places) => { argv: string[]; env: Record<string, string> }> =
  {
    nspawn: (start, at) => ({ argv: nspawnArguments(start, at), env: nspawnEnvironment }),
  };

/** What did not hold, by the order of the checks in jail/cell/probe.py. */
const FAULTS = [
  "it is not a throwaway user",
  "it has powers",
  "it has a network",
  "it makes sockets",
  "it makes namespaces",
  "it writes elsewhere than in /work",
  "it sees more than its socket",
  "it sees other processes",
  "it inherits descriptors",
  "it is not limited",
];
const FAULT_FIRST = 64;
const NOT_SEALED = 3;
const CELL_MS_MAX = 60_000;
const SLOT = SLOTS_MAX - 1;
const BUNDLE = "0".repeat(64);

const isolation = process.argv[2] ?? "";
const starting = Object.hasOwn(isolations, isolation) ? isolations[isolation] : undefined;
console.log(
  JSON.stringify({ isolation, why: starting === undefined ? "there is no such isolation" : await faultOf(starting) }),
);

/** In words, why a cell is not offered; null where it is. */
async function faultOf(start: NonNullable<typeof starting>): Promise<string | null> {
  if (processesIn(slotUids(SLOT)).length > 0) return "its users are in use by another cell";
  const folder = mkdtempSync(join(tmpdir(), "silo-try-"));
  chmodSync(folder, 0o711);
  const at = { ...places, bundles: join(folder, "bundles"), sockets: join(folder, "cells") };
  mkdirSync(join(at.bundles, BUNDLE), { recursive: true });
  mkdirSync(join(at.sockets, String(SLOT)), { recursive: true });
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(String(request.url));
    response
      .writeHead(request.url === "/v1/probe" ? 200 : 503, { "Content-Type": "application/json" })
      .end(`{"slot":${SLOT}}`);
  });
  const socket = join(at.sockets, String(SLOT), "membrane");
  await once(server.listen(socket), "listening");
  chmodSync(socket, 0o666);
  try {
    const code = await run(start(request(), at));
    return heard.includes("/v1/wait") ? null : inWords(code);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function request(): Start {
  const resources = { memory_mib: 128, work_mib: 16, processes: 32, files: 128, output_kib: 64 };
  return {
    slot: SLOT,
    cell: `cell_${String(process.pid).padStart(16, "0")}`,
    isolation: "nspawn",
    bundle: BUNDLE,
    deadline_ms: CELL_MS_MAX,
    resources,
  };
}

async function run({
  argv: [program = "", ...rest],
  env,
}: {
  argv: string[];
  env: Record<string, string>;
}): Promise<number | null> {
  const child = spawn(program, rest, { stdio: "ignore", env, cwd: "/" });
  const ended = once(child, "exit").then(
    ([code]) => code as number | null,
    () => null,
  );
  const code = await Promise.race([ended, delay(CELL_MS_MAX, null, { ref: false })]);
  for (const pid of processesIn(slotUids(SLOT))) spawnSync("kill", ["-KILL", String(pid)]);
  child.kill("SIGKILL");
  await ended;
  return code;
}

function inWords(code: number | null): string {
  if (code === null) return "it could not be started or did not end";
  if (code === NOT_SEALED) return "no syscall filter could be put in force";
  return FAULTS[code - FAULT_FIRST] ?? `it ended with ${code} before it was offered`;
}
