/**
 * Plain files, one event a line, for whoever collects them.
 *
 * Contract: settles when the lines are on disk. A file is named by the index of its first event and begins anew at `bytes_max`; none is ever
 * removed: that is the collector's. What a crash left of a line is taken away.
 * Failure: `NotTaken` with what the system said (a full disk).
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { FileDestination } from "../../../kernel/abi/export.ts";
import type { Event } from "../event.ts";
import { NotTaken, type Sink } from "../sink.ts";

const DIGITS = 16;
const NAME = /^[0-9]{16}\.log$/;
const NEWLINE = 10;
const LOOK_BACK_BYTES = 64 * 1024;

export function fileSink(to: FileDestination, folder: string): Sink {
  let file: { descriptor: number; bytes: number; path: string } | undefined;

  function open(path: string): NonNullable<typeof file> {
    const descriptor = openSync(path, "a+", 0o600);
    return { descriptor, bytes: endLine(descriptor), path };
  }

  function fileFor(event: Event): NonNullable<typeof file> {
    file ??= openLast(folder, open);
    if (file !== undefined && file.bytes < to.bytes_max) return file;
    if (file !== undefined) closeSync(file.descriptor);
    const number = event.record.kind === "entry" ? event.record.index : event.record.size;
    file = open(join(folder, `${String(number).padStart(DIGITS, "0")}.log`));
    flushFolder(folder);
    return file;
  }

  function append(events: readonly Event[]): void {
    for (let at = 0; at < events.length; ) {
      const into = fileFor(events[at] as Event);
      let text = "";
      while (at < events.length && into.bytes + text.length < to.bytes_max) text += `${events[at++]?.line}\n`;
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length; ) done += writeSync(into.descriptor, bytes, done);
      fdatasyncSync(into.descriptor);
      into.bytes += bytes.length;
    }
  }

  return {
    overlapBytes: 0,
    async send(events) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        append(events);
      } catch (error) {
        throw new NotTaken(`The files cannot be written: ${(error as Error).message}.`);
      }
      return { said: `it is on disk in ${file?.path}`, dropped: 0 };
    },
    lost: () => null,
    close() {
      if (file !== undefined) closeSync(file.descriptor);
      file = undefined;
    },
  };
}

function openLast<T>(folder: string, open: (path: string) => T): T | undefined {
  const last = readdirSync(folder)
    .filter((name) => NAME.test(name))
    .sort()
    .at(-1);
  return last === undefined ? undefined : open(join(folder, last));
}

/** Takes away what stands behind the last newline; returns the bytes that are left. */
function endLine(descriptor: number): number {
  let end = fstatSync(descriptor).size;
  const block = Buffer.alloc(LOOK_BACK_BYTES);
  while (end > 0) {
    const from = Math.max(0, end - LOOK_BACK_BYTES);
    const found = block.subarray(0, readSync(descriptor, block, 0, end - from, from)).lastIndexOf(NEWLINE);
    end = found === -1 ? from : from + found + 1;
    if (found !== -1) break;
  }
  ftruncateSync(descriptor, end);
  return end;
}

function flushFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
