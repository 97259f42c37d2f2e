/** Commands in a mount namespace of their own, so that several of one kind run side by side with the paths the product uses. */
import { fileURLToPath } from "node:url";

/** The argv that runs `argv` (an absolute program first) with each `[source, target]` folder bound over its target. Needs root. */
export function apart(binds: readonly (readonly [string, string])[], argv: readonly string[]): [string, ...string[]] {
  const inside = fileURLToPath(new URL("./apart-inside.ts", import.meta.url));
  return ["/usr/bin/unshare", "--mount", "--", process.execPath, inside, JSON.stringify({ binds, argv })];
}
