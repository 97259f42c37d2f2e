/**
 * The addresses of names, from a program that is nobody: the user silo-resolver, no capability, no way to one.
 *
 * Threat: a name server's answer takes over what parses it; that would be root, who writes the firewall.
 * Contract: what comes back is text of bounded length in the shape below, each name one that was asked for; what it says is judged in
 * pins.ts. Failure: every name is unanswered, with the reason.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Type } from "typebox";
import { parseExact } from "../kernel/abi/json.ts";
import { compile } from "../kernel/process/schema.ts";
import type { Answer } from "./pins.ts";

const ASK_MS_MAX = 20_000;
const ANSWERS_BYTES_MAX = 1024 * 1024;

const check = compile(
  Type.Record(
    Type.String({ maxLength: 253 }),
    Type.Union([
      Type.Object(
        {
          addresses: Type.Array(Type.String({ maxLength: 45 }), { maxItems: 1024 }),
          ttl: Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }),
        },
        { additionalProperties: false },
      ),
      Type.Object({ error: Type.String({ pattern: "^[A-Za-z]{1,40}$" }) }, { additionalProperties: false }),
    ]),
  ),
);

/** Takes at most 20 s. */
export function ask(names: readonly string[], servers: readonly string[]): Record<string, Answer> {
  if (names.length === 0) return {};
  if (servers.length === 0) return unanswered(names, "there is no name server");
  const [program, ...argv] = asNobody(process.execPath, fileURLToPath(new URL("resolve.ts", import.meta.url)));
  const { error, status, stdout } = spawnSync(program, argv, {
    input: JSON.stringify({ servers, names }),
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    cwd: "/",
    timeout: ASK_MS_MAX,
    killSignal: "SIGKILL",
    maxBuffer: ANSWERS_BYTES_MAX,
    stdio: ["pipe", "pipe", "ignore"],
  });
  if (error !== undefined || status !== 0) return unanswered(names, "the resolver broke or took too long");
  try {
    const answers = check(parseExact(stdout));
    return answers.ok ? answers.value : unanswered(names, "the resolver said what it may not");
  } catch {
    return unanswered(names, "the resolver said what it may not");
  }
}

function asNobody(program: string, script: string): [string, ...string[]] {
  const user = "silo-resolver";
  const ids = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"];
  return ["setpriv", ...ids, "--ambient-caps=-all", "--no-new-privs", "--pdeathsig=KILL", "--", program, script];
}

function unanswered(names: readonly string[], error: string): Record<string, Answer> {
  return Object.fromEntries(names.map((name) => [name, { error }]));
}
