/**
 * `npm run crash -- [--instants N] [--json]`: kills every process at N instants of a refund, and says what came of each.
 * `npm run crash -- --kills N [--json]`: kills N random processes at random instants under load, and counts.
 */
import { runInside } from "../inside.ts";

process.exitCode = await runInside("tests/crash/inside.ts", process.argv.slice(2));
