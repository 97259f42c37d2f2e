/**
 * Sends every entry and then the checkpoint over it, for ever, in order; waits for the receiver and never skips.
 *
 * Threat: a receiver that is down, slow or forgetful, a crash of ours, a disk that lies: something is missing in the SIEM, and nobody knows.
 * Contract: the cursor moves behind what was taken alone, and on disk. What was taken and may be lost with a connection (`overlapBytes`) is sent
 * again: at least once, with the index to know it by. At most `BATCH_BYTES_MAX` and one bundle are in memory, however far behind it is.
 * Failure: a sentence in `status` and in the process's log, and another try after a pause that doubles. Nothing is given up.
 */
import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Unproven } from "../../console/audit/note.ts";
import type { ExportStatus } from "../../kernel/abi/export.ts";
import { type Cursor, newCursor, readCursor, writeCursor } from "./cursor.ts";
import { type Event, eventOf } from "./event.ts";
import { checkpointOf, type Head, publishedKey, readHead, readPortion, refuseOther } from "./read.ts";
import type { Format } from "./record.ts";
import { NotTaken, type Sink } from "./sink.ts";
import { openTrail, type Trail } from "./trail.ts";

/** How often the log is looked at. */
const LOOK_MS = 500;
const RETRY_MS_FIRST = 500;
export const RETRY_MS_MAX = 60_000;
/** After so long without a failure the pauses begin anew. */
const STEADY_MS = 10_000;
/** Bodies that go out together; a larger one goes alone. */
export const BATCH_BYTES_MAX = 1024 * 1024;
/** A receiver of `test` that ends the connection does so within this. */
const FAREWELL_MS = 1000;
const LOST = "The log has lost its checkpoint.";

export type Pump = {
  status(): Progress;
  /** Sends the newest checkpoint once more on a connection of its own, and tells what came back. */
  test(): Promise<{ taken: boolean; said: string }>;
  /** Settles when nothing is under way. */
  stop(): Promise<void>;
};

/** Up to where events went, and the key they were proven with. */
type Place = Pick<Cursor, "position" | "key">;

type Progress = { -readonly [K in Exclude<keyof ExportStatus, "to" | "format">]: ExportStatus[K] };

type Parts = {
  /** The published log. */
  folder: string;
  /** The cursor's file. */
  cursor: string;
  open: (appliance: string) => Sink;
  format: Format;
  now: () => number;
  log: { error(message: string): void; info(message: string): void };
  retryMsMax?: number;
};

/** Begins where the cursor stands. Throws `ConfigError` where it cannot be read. */
export function startPump(parts: Parts): Pump {
  const { folder, open, format, now, log, retryMsMax = RETRY_MS_MAX } = parts;
  const stop = new AbortController();
  let cursor = readCursor(parts.cursor);
  let farthest = cursor?.position.edge.size ?? 0;
  const progress: Progress = {
    ...{
      state: "waiting",
      problem: null,
      since: now(),
      entries: 0,
      taken: farthest,
      certain: farthest,
      checkpoint: null,
    },
    ...{ events: 0, again: 0, failures: 0, dropped: cursor?.dropped ?? 0 },
  };
  const running = run();

  async function run(): Promise<void> {
    for (let pause = RETRY_MS_FIRST; !stop.signal.aborted; pause = Math.min(pause * 2, retryMsMax)) {
      const begun = now();
      await flow().catch(fail);
      if (now() - begun > STEADY_MS) pause = RETRY_MS_FIRST;
      await rest(pause);
    }
  }

  /** Sends until something fails. */
  async function flow(): Promise<void> {
    const first = await untilThere();
    if (first === null) return;
    const sink = open(first.origin);
    try {
      const at = here();
      await send(sink, openTrail<Place>(at, sink.overlapBytes), at);
    } finally {
      sink.close();
    }
  }

  async function send(sink: Sink, trail: Trail<Place>, from: Cursor): Promise<void> {
    let { position: at, key, checkpoint } = from;
    while (!stop.signal.aborted) {
      const head = newest(key);
      while (at.edge.size < head.size) {
        const batch = gather(head, at);
        const bytes = await deliver(sink, batch.events);
        at = batch.after;
        trail.passed({ position: at, key }, bytes);
        keep(trail, at.edge.size, null);
        enter("sending");
        if (stop.signal.aborted) return;
      }
      for (const handover of head.handovers) {
        const bytes = await deliver(sink, [eventOf(checkpointOf(handover.head), format, head.origin, now)]);
        key = handover.next;
        trail.passed({ position: at, key }, bytes);
        keep(trail, at.edge.size, null);
        log.info(`the log is signed by ${key} from here on, which the key before it vouches for`);
      }
      const digest = hash("sha256", head.note);
      if (digest !== checkpoint) {
        refuseOther(folder, head, at.edge, "The checkpoint is not over what was exported");
        const bytes = await deliver(sink, [eventOf(checkpointOf(head), format, head.origin, now)]);
        trail.passed({ position: at, key }, bytes);
        checkpoint = digest;
        progress.checkpoint = head.size;
        keep(trail, at.edge.size, digest);
      }
      enter("up to date");
      await rest(LOOK_MS);
      const lost = sink.lost();
      if (lost !== null) throw new NotTaken(lost);
    }
  }

  /** Events from a position on, of as many bundles as make a batch. */
  function gather(head: Head, from: Cursor["position"]) {
    const events: Event[] = [];
    let after = from;
    for (let bytes = 0; bytes < BATCH_BYTES_MAX && after.edge.size < head.size; ) {
      const portion = readPortion(folder, head, after);
      for (const record of portion.records) {
        const event = eventOf(record, format, head.origin, now);
        bytes += Buffer.byteLength(event.line);
        events.push(event);
      }
      after = portion.after;
    }
    return { events, after };
  }

  /** Returns the bytes of the bodies. */
  async function deliver(sink: Sink, events: readonly Event[]): Promise<number> {
    let sum = 0;
    for (const { some, bytes } of batches(events)) {
      progress.dropped += (await sink.send(some)).dropped;
      sum += bytes;
    }
    const indexes = events.flatMap(({ record }) => (record.kind === "entry" ? [record.index] : []));
    progress.events += events.length;
    progress.again += indexes.filter((index) => index < farthest).length;
    farthest = Math.max(farthest, (indexes.at(-1) ?? -1) + 1);
    return sum;
  }

  function keep(trail: Trail<Place>, taken: number, checkpoint: string | null): void {
    const { position, key } = trail.certain();
    const isAll = position.edge.size === taken;
    cursor = { position, key, checkpoint: isAll ? checkpoint : null, dropped: progress.dropped };
    writeCursor(parts.cursor, cursor);
    Object.assign(progress, { taken, certain: position.edge.size });
  }

  function here(): Cursor {
    if (cursor === null) throw new Error("There is no cursor before there is a log.");
    return cursor;
  }

  /** The log as it was first seen says who signs it; from then on only a checkpoint that this key signed too can. */
  function firstHead(): Head | null {
    if (cursor === null) {
      const key = publishedKey(folder);
      if (key === null) return null;
      cursor = newCursor(key);
    }
    const head = readHead(folder, cursor.key);
    if (head === null && cursor.position.edge.size > 0) throw new Unproven(LOST);
    return head;
  }

  /** Null where it is told to stop first. */
  async function untilThere(): Promise<Head | null> {
    for (let head = firstHead(); ; head = firstHead()) {
      if (head !== null || stop.signal.aborted) return head;
      await rest(LOOK_MS);
    }
  }

  function newest(key: string) {
    const head = readHead(folder, key);
    if (head === null) throw new Unproven(LOST);
    progress.entries = head.size;
    return head;
  }

  function fail(error: Error): void {
    const isRefused = error instanceof Unproven;
    progress.failures++;
    const problem = isRefused
      ? `NOT EXPORTED, the log on this disk does not prove itself: ${error.message}`
      : error.message;
    if (progress.problem !== problem) log.error(problem);
    enter(isRefused ? "refused" : "failing", problem);
  }

  function enter(state: Progress["state"], problem: string | null = null): void {
    if (progress.problem !== null && problem === null) log.info("the export goes on");
    if (progress.state !== state) progress.since = now();
    Object.assign(progress, { state, problem });
  }

  async function rest(millis: number): Promise<void> {
    await sleep(millis, undefined, { signal: stop.signal }).catch(() => undefined);
  }

  return {
    status: () => ({ ...progress }),
    async test() {
      const head = firstHead();
      if (head === null)
        return { taken: false, said: "There is no checkpoint yet: the kernel has not published its log." };
      const sink = open(head.origin);
      try {
        const { said } = await sink.send([eventOf(checkpointOf(head), format, head.origin, now)]);
        if (sink.overlapBytes > 0) await rest(FAREWELL_MS);
        const lost = sink.lost();
        return { taken: lost === null, said: lost ?? said };
      } catch (error) {
        if (error instanceof NotTaken) return { taken: false, said: error.message };
        throw error;
      } finally {
        sink.close();
      }
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}

function* batches(events: readonly Event[]): Generator<{ some: Event[]; bytes: number }> {
  let some: Event[] = [];
  let bytes = 0;
  for (const event of events) {
    const more = Buffer.byteLength(event.line);
    if (some.length > 0 && bytes + more > BATCH_BYTES_MAX) {
      yield { some, bytes };
      [some, bytes] = [[], 0];
    }
    some.push(event);
    bytes += more;
  }
  if (some.length > 0) yield { some, bytes };
}
