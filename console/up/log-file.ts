/** The log of one process: a file it appends to by itself, kept below a bound by setting the older half aside. */
import { copyFileSync, fstatSync, ftruncateSync, openSync } from "node:fs";

/** Of one log file; the one set aside before it (`NAME.log.1`) may be as large again. */
export const LOG_BYTES_MAX = 8 * 1024 * 1024;

/** Opened for appending, readable by root alone. */
export function openLogFile(path: string): number {
  return openSync(path, "a", 0o600);
}

/** Sets a log aside that has grown over the bound. The writer appends, so it goes on at the new beginning. */
export function boundLogFile(path: string, descriptor: number, bytesMax = LOG_BYTES_MAX): void {
  if (fstatSync(descriptor).size <= bytesMax) return;
  copyFileSync(path, `${path}.1`);
  ftruncateSync(descriptor);
}
