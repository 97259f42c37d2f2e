/** `npm run crash -- [--instants N] [--json]`: kills every process at N instants of a refund, and counts what came of it. */
import { runInside } from "../inside.ts";

process.exitCode = await runInside("tests/crash/refunds.ts", process.argv.slice(2));
