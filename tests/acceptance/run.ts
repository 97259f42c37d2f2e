/**
 * `npm run image:test [-- WORD…]`: all claims about the image that `npm run image` made, or those whose path has one of the words. The
 * closing line is `N passed, N failed`.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { WORKSHOP } from "../../image/build.ts";
import { ensureTree } from "../../image/buildroot.ts";
import { folderOptions, inWorkshop } from "../../image/workshop.ts";

const { values, positionals } = parseArgs({ options: folderOptions, allowPositionals: true });
const build = `SILO_BUILD=${join(WORKSHOP.image, "build")}`;
const appliance = await ensureTree("appliance", (line) => console.error(line));
process.exitCode = await inWorkshop(
  values,
  ["env", build, "node", "tests/acceptance/main.ts", "all", ...positionals],
  [{ host: appliance, inside: WORKSHOP.appliance }],
);
