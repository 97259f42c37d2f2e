/** What a machine says on its serial port: kept, logged, and waited for. */
import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

export type Serial = {
  /** All that was said so far. */
  text(): string;
  /** Settles when what was said matches; throws, with its last lines, after `timeoutMs` or when the machine has ended. */
  expect(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>;
};

const LAST_LINES = 25;

/** Reads `output` to its end, writing it to the file `log` as well. */
export function readSerial(output: Readable, log: string): Serial {
  const decoder = new StringDecoder("utf8");
  const file = createWriteStream(log, { flags: "a" });
  let text = "";
  let ended = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  output.on("data", (chunk: Buffer) => {
    file.write(chunk);
    text += decoder.write(chunk);
    wake();
  });
  output.once("close", () => {
    file.end();
    ended = true;
    wake();
  });
  const lastLines = () => text.trimEnd().split("\n").slice(-LAST_LINES).join("\n");
  return {
    text: () => text,
    expect: (pattern, timeoutMs) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          waiting.delete(look);
          clearTimeout(timer);
          act();
        };
        const fail = (why: string) =>
          settle(() => reject(new Error(`${why} ${pattern}. It ended with:\n${lastLines()}`)));
        const look = () => {
          const found = pattern.exec(text);
          if (found !== null) settle(() => resolve(found));
          else if (ended) fail("The machine ended without saying");
        };
        const timer = setTimeout(() => fail(`The machine did not say in ${timeoutMs / 1_000} s`), timeoutMs);
        waiting.add(look);
        look();
      }),
  };
}
