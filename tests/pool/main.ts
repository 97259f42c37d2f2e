/** `npm run pool -- [--tasks N]`: N tasks through the pool of a whole appliance (10,000), and what is left of their cells. Prints JSON. */
import { runInside } from "../inside.ts";

const argv = process.argv.slice(2);
process.exitCode = await runInside("tests/pool/pool-inside.ts", argv.length === 0 ? ["--tasks", "10000"] : argv);
