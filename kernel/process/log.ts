/** The process's own log: JSON lines on stdout. Never a value, a key or a stranger's text; the redaction list is the second net. */
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
  return pino({ name, base: { pid: process.pid }, redact: { paths: REDACTED, censor: "[redacted]" } });
}
