/** The process's own log: JSON lines on stdout. Never a value, a key or a stranger's text; the redaction list is the second net. */
import { writeSync } from "node:fs";
import { type Logger, pino } from "pino";

export type Log = Logger;

const REDACTED = [
  "*.base_key",
  "*.task_key",
  "*.secret",
  "*.values",
  "*.text",
  "*.fields",
  "*.customer",
  "values",
  "secret",
  "text",
];

export function openLog(name: string): Log {
  return pino({ name, base: { pid: process.pid }, redact: { paths: REDACTED, censor: "[redacted]" } }, { write });
}

const STDOUT = 1;

/** A full disk costs lines of this log and nothing else: pino's own destination would end the process. */
function write(line: string): void {
  try {
    writeSync(STDOUT, line);
  } catch {
    // What must not be lost is in the audit log.
  }
}
