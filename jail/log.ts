/** The jailer's own log: JSON lines in the form of the other processes' (kernel/process/log.ts), without their dependency. */
const LEVELS = { info: 30, warn: 40, error: 50, fatal: 60 } as const;

type Write = (fields: object, message: string) => void;
export type Log = Record<keyof typeof LEVELS, Write>;

/** Log lines go through `write`, one call a line; standard output when none is given. */
export function openLog(
  now: () => number,
  write: (line: string) => unknown = (line) => process.stdout.write(line),
): Log {
  const at =
    (level: number): Write =>
    (fields, message) =>
      write(
        `${JSON.stringify({ level, time: now(), name: "jailer", pid: process.pid, ...flat(fields), msg: message })}\n`,
      );
  return { info: at(LEVELS.info), warn: at(LEVELS.warn), error: at(LEVELS.error), fatal: at(LEVELS.fatal) };
}

function flat(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
}
