/** Runs a script of this checkout inside the build root, on a state directory, with the terminal handed on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { CommandEnd, type Exit, exits } from "./exits.ts";
import { product, STATE_DEFAULT } from "./places.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Settles when the script has ended with status 0; throws `CommandEnd` with its status otherwise. */
export async function runInside(state: string | undefined, script: string, argv: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new CommandEnd(
      exits.usage,
      "Starting SiloOS makes namespaces, which needs root: run the same command with sudo.",
    );
  const enter = ["--state", state ?? STATE_DEFAULT, "--", "node", script, ...argv];
  const child = spawn(`${product}/image/enter.sh`, enter, { stdio: "inherit" });
  const handOn = SIGNALS.map((signal) => [signal, () => atTerminal(signal) || child.kill(signal)] as const);
  for (const [signal, handler] of handOn) process.on(signal, handler);
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  for (const [name, handler] of handOn) process.off(name, handler);
  const status = code ?? 128 + constants.signals[signal as NodeJS.Signals];
  if (status !== 0) throw new CommandEnd(status as Exit, "");
}

/** A terminal's Ctrl-C has reached the whole foreground already. */
function atTerminal(signal: NodeJS.Signals): boolean {
  return signal === "SIGINT" && process.stdin.isTTY;
}
