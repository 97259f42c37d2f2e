/** `npm run export -- [--events N] [--kills N] [--json] [RECEIVER…]`: the whole measure; not 0 if an entry is missing, out of order or not proven. */
import { parseArgs } from "node:util";
import { runInside } from "../inside.ts";

const { values, positionals } = parseArgs({
  options: {
    events: { type: "string", default: "100000" },
    kills: { type: "string", default: "20" },
    json: { type: "boolean" },
  },
  allowPositionals: true,
});
const argv = [values.events, values.kills, values.json === true ? "json" : "text", ...positionals];
process.exitCode = await runInside("tests/export/inside.ts", argv);
