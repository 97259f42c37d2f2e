/** Which crash is run. Inside the build root; `tests/crash/main.ts` starts it. */
import { parseArgs } from "node:util";
import { crashAtRandom } from "./kills.ts";
import { crashRefunds } from "./refunds.ts";

const INSTANTS_DEFAULT = 10;

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, instants: { type: "string" }, kills: { type: "string" } },
});
process.exitCode =
  values.kills === undefined
    ? await crashRefunds(Number(values.instants ?? INSTANTS_DEFAULT), values.json)
    : await crashAtRandom(Number(values.kills), values.json);
