/** The floor of everything durable: one writer that appends a record and waits for the disk, again and again. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";

const RECORD = Buffer.alloc(512, "x");

/** Records a second over `count` serial append+fdatasync in `folder`. */
export function serialAppends(folder: string, count: number): number {
  const path = `${folder}/serial.log`;
  const file = openSync(path, "w");
  const begun = performance.now();
  for (let record = 0; record < count; record++) {
    writeSync(file, RECORD);
    fdatasyncSync(file);
  }
  const rate = count / ((performance.now() - begun) / 1000);
  closeSync(file);
  rmSync(path);
  return rate;
}
