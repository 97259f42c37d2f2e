/**
 * `npm run pool -- [--tasks N] [--isolation NAME]`: N tasks (10,000) through the pool of a whole appliance, half of them in each isolation or
 * all in one, and what is left of their cells. Prints JSON; ends with 1 where a cell served twice or something is left.
 */
import { runInside } from "../inside.ts";

process.exitCode = await runInside("tests/pool/pool-inside.ts", process.argv.slice(2));
