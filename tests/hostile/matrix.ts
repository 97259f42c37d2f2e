/** Runs cells with guards taken out, and says what got through. Runs as root inside the build root, in a network of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { places } from "../../jail/inside.ts";
import { isolations } from "../../jail/isolations.ts";
import { startRequest } from "../jail/jailer.ts";
import { guards, type Row, rows } from "./guards.ts";
import type { Host } from "./host.ts";
import { type IsolationName, judge } from "./verdict.ts";

/** `taken`: the guards that were out. `holds`: whether it came as the row says. */
export type Proof = {
  attack: string;
  isolation: IsolationName;
  taken: readonly string[];
  code: string;
  holds: boolean;
};

const SLOT = 91;
const BUNDLE = "0".repeat(64);
const PROGRAM = "lowered.py";
const resources = { memory_mib: 128, work_mib: 16, processes: 16, files: 64, output_kib: 64 };

/** What each row claims: all out, it gets through; all but one out, or one out, it does not. */
export function claimsOf({ guards: stop }: Row): { taken: readonly string[]; isRefused: boolean }[] {
  const others = stop.map((guard) => stop.filter((other) => other !== guard));
  const single = stop.map((guard) => [guard]);
  // Of two guards, all but one and one are the same.
  const lowered = stop.length <= 2 ? others : [...others, ...single];
  return [{ taken: stop, isRefused: false }, ...lowered.map((taken) => ({ taken, isRefused: true }))];
}

/** Proves every row of an isolation: one cell for each set of guards that is taken out. */
export async function proveGuards(
  isolation: IsolationName,
  host: Host,
  tell: (proof: Proof) => void,
): Promise<Proof[]> {
  const claims = rows[isolation].flatMap((row) => claimsOf(row).map((claim) => ({ ...claim, attack: row.attack })));
  const sets = Map.groupBy(claims, ({ taken }) => [...taken].sort().join(", "));
  const proofs: Proof[] = [];
  for (const group of sets.values()) {
    const taken = group[0]?.taken ?? [];
    const attacks = [...new Set(group.map(({ attack }) => attack))];
    const got = await runLowered(isolation, taken, attacks);
    const reached = host.faults();
    for (const attack of attacks) {
      const { code, isThrough } = cameOf(attack, isolation, got[attack], reached);
      const claim = group.find((one) => one.attack === attack);
      const proof = { attack, isolation, taken, code, holds: isThrough !== claim?.isRefused };
      proofs.push(proof);
      tell(proof);
    }
  }
  return proofs;
}

/** A datagram that was sent has gone through where it arrives; all else, where the cell could do it. */
function cameOf(attack: string, isolation: IsolationName, got: unknown, reached: readonly string[]) {
  const canary = rows[isolation].find((row) => row.attack === attack)?.reaches;
  const { code, result } = judge(attack, isolation, got, []);
  if (canary === undefined) return { code, isThrough: result !== "refused" };
  const arrived = reached.filter((what) => what.startsWith(canary));
  return { code: arrived[0] ?? `${code}, and nothing arrived`, isThrough: arrived.length > 0 };
}

async function runLowered(
  isolation: IsolationName,
  taken: readonly string[],
  attacks: readonly string[],
): Promise<Record<string, unknown>> {
  const state = mkdtempSync(join(tmpdir(), "silo-lowered-"));
  const bundle = join(state, "bundles", BUNDLE);
  mkdirSync(join(state, `cells/${SLOT}`), { recursive: true });
  cpSync(fileURLToPath(new URL("../../agents/hostile", import.meta.url)), bundle, { recursive: true });
  cpSync(fileURLToPath(new URL(PROGRAM, import.meta.url)), join(bundle, PROGRAM));
  const at = { ...places, bundles: `${state}/bundles`, sockets: `${state}/cells` };
  const request = startRequest(BUNDLE, { slot: SLOT, isolation, resources });
  const program = ["/usr/bin/python3", "-S", "-P", `/bundle/${PROGRAM}`, "filter", ...attacks];
  let command = inPlaceOfRunner(isolations[isolation].command(request, at), program);
  for (const name of taken) command = guards[isolation][name]?.takeOut(command) ?? command;
  const [first = "", ...rest] = command.argv;
  const stdio = ["ignore", "pipe", "ignore", command.given === null ? "ignore" : "pipe"] as const;
  const child = spawn(first, rest, { stdio: [...stdio], env: command.environment, cwd: "/" });
  if (child.stdio[3] instanceof Writable) child.stdio[3].end(command.given);
  const [said] = await Promise.all([text(child.stdout as NonNullable<typeof child.stdout>), once(child, "exit")]);
  rmSync(state, { recursive: true, force: true });
  return said.startsWith("{") ? (JSON.parse(said) as Record<string, unknown>) : {};
}

type Command = ReturnType<(typeof isolations)[IsolationName]["command"]>;

/** The command of a cell that runs `program` in place of jail/cell/run.py. */
function inPlaceOfRunner(command: Command, program: string[]): Command {
  if (command.given === null)
    return { ...command, argv: [...command.argv.slice(0, command.argv.lastIndexOf("--") + 1), ...program] };
  const config = JSON.parse(command.given) as { process: { args: string[] } };
  config.process.args = program;
  return { ...command, given: JSON.stringify(config) };
}
