/**
 * The body of one HTTP request, up to a bound.
 *
 * Threat: a body that is oversized, endless, slow or in a second encoding; and an answer that never arrives: hanging up on somebody
 * who still sends resets the connection, and the answer is lost with it.
 * Contract: at most `bodyBytesMax` are kept, there within `bodyMs`, UTF-8. Whoever is answered early may finish first: what still comes
 * is thrown away, until it ends, pauses for `PAUSE_MS`, is over `DISCARDED_BYTES_MAX`, or `bodyMs` are over.
 * Failure: MALFORMED, TOO_LARGE, or later when the peer has gone.
 */
import type { HttpResponse } from "uWebSockets.js";
import { done, type End, later, refused } from "../abi/ends.ts";

export type BodyBounds = { bodyBytesMax: number; bodyMs: number };

export type Body = {
  readonly text: Promise<End<string>>;
  isWhole(): boolean;
  /** Settles when an answer would arrive: the sender has finished or paused, or is not listened to any longer. */
  finished(): Promise<void>;
};

/** Bytes beyond what is read that a sender may still send before it is hung up on. */
export const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;
/** A sender that is silent for so long has nothing on the way. */
export const PAUSE_MS = 500;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const noBody: Body = {
  text: Promise.resolve(done("")),
  isWhole: () => true,
  finished: () => Promise.resolve(),
};

/** `declared`: the length the peer names, 0 when it names none. `gone`: the peer has left. */
export function readBody(
  res: HttpResponse,
  gone: Promise<void>,
  declared: number,
  { bodyBytesMax, bodyMs }: BodyBounds,
): Body {
  const text = Promise.withResolvers<End<string>>();
  const over = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isWhole = false;
  let pause: NodeJS.Timeout | undefined;
  const tooLarge = refused("TOO_LARGE", `The body is over ${bodyBytesMax} bytes.`);
  const late = setTimeout(() => stop(refused("MALFORMED", `The body was not there within ${bodyMs} ms.`)), bodyMs);

  function stop(end: End<string>): void {
    clearTimeout(late);
    text.resolve(end);
    over.resolve();
  }
  if (declared > bodyBytesMax) text.resolve(tooLarge);
  void gone.then(() => stop(later("The peer has gone.")));
  res.onData((chunk, isLast) => {
    bytes += chunk.byteLength;
    isWhole = isLast;
    pause?.refresh();
    if (bytes > bodyBytesMax) text.resolve(tooLarge);
    else chunks.push(Buffer.from(chunk.slice(0)));
    if (isLast || bytes > bodyBytesMax + DISCARDED_BYTES_MAX) stop(decode(chunks));
  });
  return {
    text: text.promise,
    isWhole: () => isWhole,
    finished() {
      pause = setTimeout(over.resolve, PAUSE_MS);
      return over.promise.then(() => clearTimeout(pause));
    },
  };
}

/** The whole body; where it was refused before, nobody reads this. */
function decode(chunks: readonly Buffer[]): End<string> {
  try {
    return done(utf8.decode(Buffer.concat(chunks)));
  } catch {
    return refused("MALFORMED", "The body is not UTF-8.");
  }
}
