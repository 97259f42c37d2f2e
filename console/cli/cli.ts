/** Runs one command line and says with which status it ends. Everything it touches outside is handed in. */
import { CommanderError } from "commander";
import { ConfigError } from "../../kernel/process/config.ts";
import { CommandEnd, type Exit, exits } from "./exits.ts";
import type { World } from "./output.ts";
import { buildProgram } from "./program.ts";

export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  confirm(question: string): Promise<boolean>;
  env: NodeJS.ProcessEnv;
};

/** `argv` without program and script. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let json = argv.includes("--json");
  const world = (options: { as: string; state?: string; json?: boolean }): World => {
    json = options.json === true;
    const state = options.state ?? terminal.env["SILO_STATE"];
    return { person: options.as, state, json, confirm: terminal.confirm, note: (text) => terminal.err(`${text}\n`) };
  };
  const program = buildProgram({
    world,
    async say(output) {
      const said = await output;
      if (said !== null) terminal.out(`${json ? JSON.stringify(said.json) : said.text}\n`);
    },
  });
  for (const each of [program, ...program.commands.flatMap((one) => [one, ...one.commands])])
    each.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exits.done;
  } catch (error) {
    return endOf(error, json, terminal);
  }
}

function endOf(error: unknown, json: boolean, terminal: Terminal): Exit {
  if (error instanceof ConfigError) return endOf(new CommandEnd(exits.refused, error.message), json, terminal);
  if (error instanceof CommanderError) return error.exitCode === 0 ? exits.done : exits.usage;
  if (error instanceof CommandEnd) {
    if (error.message === "") return error.exit; // it has been said
    if (json) terminal.out(`${JSON.stringify({ exit: error.exit, code: error.code, message: error.message })}\n`);
    else terminal.err(`${error.message}\n`);
    return error.exit;
  }
  terminal.err(`A defect of SiloOS: ${error instanceof Error ? error.stack : String(error)}\n`);
  return exits.defect;
}
