/** Which crash is run. Inside the build root; `tests/crash/main.ts` starts it. */
import { parseArgs } from "node:util";
import { crashAtRandom } from "./kills.ts";
import { crashAtBoundaries } from "./matrix.ts";
import { BROKEN } from "./verdict.ts";
import { victims } from "./world.ts";

const KILLS_DEFAULT = 100;
const WHOLE = "1/1";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    matrix: { type: "boolean", default: false },
    share: { type: "string", default: WHOLE },
    at: { type: "string", default: "" },
    kills: { type: "string", default: String(KILLS_DEFAULT) },
    process: { type: "string", default: "" },
  },
});
const { json, matrix, share, at } = values;
const killing = { kills: Number(values.kills), only: victims.find((name) => name === values.process) ?? null };
if (killing.only === null && values.process !== "") throw new Error(`No process is called ${values.process}.`);
try {
  process.exitCode = await (matrix ? crashAtBoundaries({ share, at }, json) : crashAtRandom(killing, json));
} catch (error) {
  console.error(error);
  process.exit(BROKEN);
}
