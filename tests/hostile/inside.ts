/** Which part of the suite runs. Inside the build root, in a network of its own; `tests/hostile/main.ts` starts it. */
import { parseArgs } from "node:util";
import { isolationNames } from "../jail/jailer.ts";
import type { Place } from "./guards.ts";
import { bringUpNetwork, openHost } from "./host.ts";
import { type Proof, proveEach, proveRows } from "./matrix.ts";
import { runSuite } from "./suite.ts";
import type { IsolationName } from "./verdict.ts";

const { values, positionals } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    guards: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    isolation: { type: "string" },
  },
  allowPositionals: true,
});
const chosen = isolationNames.filter((name) => values.isolation === undefined || values.isolation === name);
if (chosen.length === 0) throw new Error(`There is no isolation ${values.isolation}: ${isolationNames.join(", ")}.`);

function say(line: object, words: string): void {
  console.log(values.json ? JSON.stringify(line) : words);
}

async function attack(isolations: readonly IsolationName[]): Promise<number> {
  const results = await runSuite({ isolations, attacks: positionals }, (one) =>
    say(one, `${one.result.padEnd(8)} ${one.isolation} ${one.attack}: ${one.code}`),
  );
  const through = results.filter(({ result }) => result === "THROUGH").length;
  console.error(`${results.length - through} refused, ${through} through`);
  return through === 0 && results.length > 0 ? 0 : 1;
}

async function prove(isolations: readonly IsolationName[]): Promise<number> {
  bringUpNetwork();
  const host = await openHost();
  const proofs: Proof[] = [];
  const tell = (one: Proof): void => {
    proofs.push(one);
    const { holds, place, attack, taken, code } = one;
    say(one, `${holds ? "ok  " : "FAIL"} ${place} ${attack} without ${taken.join(", ") || "nothing"}: ${code}`);
  };
  for (const place of placesOf(isolations)) await proveRows(place, host, tell);
  for (const isolation of isolations) await proveEach(isolation, host, values.quick, tell);
  host.close();
  const failed = proofs.filter(({ holds }) => !holds).length;
  console.error(`${proofs.length - failed} as said, ${failed} otherwise`);
  return failed === 0 ? 0 : 1;
}

/** What stands round runsc is gVisor's. */
function placesOf(isolations: readonly IsolationName[]): Place[] {
  return isolations.flatMap((isolation) => (isolation === "gvisor" ? [isolation, "sentry" as const] : [isolation]));
}

process.exitCode = await (values.guards ? prove(chosen) : attack(chosen));
