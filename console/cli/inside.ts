/** Runs a script of this checkout inside the build root, on a state directory, with the terminal handed on. */
import { once } from "node:events";
import { constants } from "node:os";
import { ensureTrees, enterBuildRoot } from "../../image/buildroot.ts";
import { CommandEnd, type Exit, exits } from "./exits.ts";
import { STATE_DEFAULT } from "./places.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Settles when the script has ended with status 0; throws `CommandEnd` with its status otherwise. */
export async function runInside(state: string | undefined, script: string, argv: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new CommandEnd(
      exits.usage,
      "Starting SiloOS makes namespaces, which needs root: run the same command with sudo.",
    );
  await trees();
  const child = enterBuildRoot({ state: state ?? STATE_DEFAULT, argv: ["node", script, ...argv] });
  const handOn = SIGNALS.map((signal) => [signal, () => atTerminal(signal) || child.kill(signal)] as const);
  for (const [signal, handler] of handOn) process.on(signal, handler);
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  for (const [name, handler] of handOn) process.off(name, handler);
  const status = code ?? 128 + constants.signals[signal as NodeJS.Signals];
  if (status !== 0) throw new CommandEnd(status as Exit, "");
}

/** The first time this takes a minute or two, and says so as it goes. */
async function trees(): Promise<void> {
  try {
    await ensureTrees((line) => console.error(line));
  } catch {
    throw new CommandEnd(exits.later, ""); // the last line said why
  }
}

/** A terminal's Ctrl-C has reached the whole foreground already. */
function atTerminal(signal: NodeJS.Signals): boolean {
  return signal === "SIGINT" && process.stdin.isTTY;
}
