/** What takes events: one connection to one receiver, or the files. */
import type { Event } from "./event.ts";

/** The receiver does not take them now: a sentence. They are sent again. */
export class NotTaken extends Error {
  override name = "NotTaken";
}

/** `said`: what came back, in plain words. `dropped`: events that this carrier cannot carry, ever. */
export type Taken = { said: string; dropped: number };

export type Sink = {
  /** Sends them in order; settles when they were taken. Rejects with `NotTaken`, after which this sink is used no more. */
  send(events: readonly Event[]): Promise<Taken>;
  /** What was taken may still be lost with the connection: so many bytes of it. 0 where the receiver acknowledges. */
  overlapBytes: number;
  /** Why the connection is gone; null while it is there, or before the first event. */
  lost(): string | null;
  close(): void;
};

/** What came from outside, fit to be shown: one line, bounded. */
export function shown(text: string): string {
  return text
    .replaceAll(/[^ -~]+/g, " ")
    .trim()
    .slice(0, SHOWN_CHARS_MAX);
}

const SHOWN_CHARS_MAX = 300;
