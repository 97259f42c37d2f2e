/**
 * Starts one real cell of each isolation that runs nobody's code, to see whether this host can: `node jail/try.ts`. Each goes through
 * everything a cell goes through until it is offered, and then it is over. Prints one line of JSON: `[{isolation, why}]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { SLOTS_MAX } from "../kernel/abi/bounds.ts";
import { places } from "./inside.ts";
import type { Command } from "./isolation.ts";
import { isolations } from "./isolations.ts";
import type { Start } from "./messages.ts";
import { processesIn, slotUids } from "./processes.ts";

const FAULT_FIRST = 64;
const NOT_SEALED = 3;
const CELL_MS_MAX = 60_000;
/** Behind those of cells: none of theirs can ever have it, and nothing of this one is taken for theirs. */
const SLOT = SLOTS_MAX;
const BUNDLE = "0".repeat(64);
const resources = { memory_mib: 128, work_mib: 16, processes: 32, files: 128, output_kib: 64 };

const tried: { isolation: string; why: string | null }[] = [];
for (const isolation of Object.keys(isolations) as Start["isolation"][])
  tried.push({ isolation, why: await faultOf(isolation) });
console.log(JSON.stringify(tried));

/** In words, why a cell is not offered; null where it is. */
async function faultOf(isolation: Start["isolation"]): Promise<string | null> {
  if (processesIn(slotUids(SLOT)).length > 0) return "its users are in use: this is being tried already";
  const folder = mkdtempSync(join(tmpdir(), "silo-try-"));
  chmodSync(folder, 0o711);
  const at = { ...places, bundles: join(folder, "bundles"), sockets: join(folder, "cells") };
  mkdirSync(join(at.bundles, BUNDLE), { recursive: true });
  mkdirSync(join(at.sockets, String(SLOT)), { recursive: true });
  const cell = `cell_${String(process.pid).padStart(16, "0")}`;
  const start = { slot: SLOT, cell, isolation, bundle: BUNDLE, deadline_ms: CELL_MS_MAX, resources };
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(String(request.url));
    response.writeHead(request.url === "/v1/probe" ? 200 : 503, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ slot: SLOT }));
  });
  const socket = join(at.sockets, String(SLOT), "membrane");
  await once(server.listen(socket), "listening");
  chmodSync(socket, 0o666);
  try {
    const code = await run(isolations[isolation].command(start, at));
    return heard.includes("/v1/wait") ? null : inWords(code);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its exit code; null where it could not be started or did not end by itself. */
async function run({ argv: [program = "", ...rest], environment, given }: Command): Promise<number | null> {
  const third = given === null ? "ignore" : "pipe";
  const child = spawn(program, rest, { stdio: ["ignore", "ignore", "ignore", third], env: environment, cwd: "/" });
  const ended = once(child, "exit").then(
    ([code]) => code as number | null,
    () => null,
  );
  const pipe = child.stdio[3];
  if (pipe instanceof Writable) pipe.on("error", () => undefined).end(given);
  const code = await Promise.race([ended, delay(CELL_MS_MAX, null, { ref: false })]);
  child.kill("SIGKILL");
  for (const pid of processesIn(slotUids(SLOT))) killIfThere(pid);
  await ended;
  return code;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}

function inWords(code: number | null): string {
  if (code === null) return "it could not be started or did not end";
  if (code === NOT_SEALED) return "no syscall filter could be put in force";
  const check = checks()[code - FAULT_FIRST];
  return check === undefined
    ? `it ended with ${code} before it was offered`
    : `a check it made of itself failed: ${check}`;
}

/** The checks of jail/cell/probe.py by their names, in order: an exit code is a place in that list. */
function checks(): string[] {
  const list = /^CHECKS: .*\(\n([^)]*)\)$/m.exec(readFileSync(`${places.runner}/probe.py`, "utf8"))?.[1] ?? "";
  return [...list.matchAll(/_(\w+),/g)].map(([, name = ""]) => name.replaceAll("_", " "));
}
