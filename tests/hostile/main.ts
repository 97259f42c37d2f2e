/**
 * `npm run hostile -- [--json] [--isolation gvisor|nspawn] [ATTACK…]`: every attack of agents/hostile, or those named, in real cells of a whole
 * appliance; says of each what refused it. Not 0 when one gets through, the host is not as it was, or other tasks did not go on.
 * `npm run hostile -- --guards [--quick] [--json] [--isolation …]`: which guard stops which attack alone, which is the only one (rows.ts), and that
 * with any one out every other attack still fails; `--quick` is without the attacks that take seconds.
 */
import { runInside } from "../inside.ts";

// Of its own: what a cell sends, or changes, there is ours to see.
process.exitCode = await runInside("tests/hostile/inside.ts", process.argv.slice(2), {
  within: ["unshare", "--net", "--uts", "--ipc", "--"],
});
