/** The tree of the tests' SMSC, for those runs that need it. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Where it stands in the build root. */
export const SMSC_TREE = "/mnt/smsc";
/** The tests that start it. */
const NEEDED_BY = ["tests/proxies/sms/main.test.ts", "tests/proxies/sms/proof.test.ts"];

/**
 * What to bind into the build root for the tests whose path contains one of `words`. Makes the tree where it is missing; where it cannot be
 * made, the reason is on stderr and the tests that need it fail.
 */
export function smscBind(words: readonly string[]): { host: string; inside: string; readonly: true }[] {
  if (words.length > 0 && !words.some((word) => NEEDED_BY.some((path) => path.includes(word)))) return [];
  const script = fileURLToPath(new URL("./tree.sh", import.meta.url));
  const { status, stdout } = spawnSync(script, [], { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  return status === 0 ? [{ host: stdout.trim(), inside: SMSC_TREE, readonly: true }] : [];
}
