/** `npm run bench -- [--json] [NAME…]`: measures side by side, each against a floor measured in the same run. Gates nothing. */
import { runInside } from "../inside.ts";

process.exitCode = await runInside("tests/bench/measures.ts", process.argv.slice(2));
