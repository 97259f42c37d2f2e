/** A small file that is on disk, whole, when the call returns: a crash leaves what was there before or what is there now. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Readable by this process's user alone. */
export function writeDurably(path: string, content: string | Uint8Array): void {
  const fd = openSync(`${path}.new`, "w", 0o600);
  writeFileSync(fd, content);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.new`, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}
