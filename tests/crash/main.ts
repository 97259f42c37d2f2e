/**
 * `npm run crash -- --matrix [--share K/N] [--json]`: kills each process at each boundary of a task's life, one at a time; of N shares, the K-th.
 *   `--at WORDS`: only at places whose name has the words, for example `--at "commit of submit"`.
 * `npm run crash -- --kills N [--process NAME] [--json]`: kills N random processes at random instants under load, or that one N times, and counts; the
 *   log is verified after each start and at the end, and held against what happened outside.
 *
 * What broke its promise leaves the state of the run behind.
 */
import { runInside } from "../inside.ts";
import { smscBind } from "../smsc/bind.ts";
import { BROKEN } from "./verdict.ts";

process.exitCode = await runInside("tests/crash/inside.ts", process.argv.slice(2), {
  binds: smscBind([]),
  keptAfter: BROKEN,
});
