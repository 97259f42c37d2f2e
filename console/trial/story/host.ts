/** What the story looks at on the host before and after an attack. */
import { createHash } from "node:crypto";
import { readFileSync, statfsSync } from "node:fs";

export function digestOfFile(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
