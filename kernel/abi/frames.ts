/**
 * Frames between processes: four bytes of length (big-endian), then that many bytes of UTF-8 JSON.
 *
 * Threat: a peer that has been taken over sends endless, oversized or broken frames.
 * Contract: `FrameReader.push` yields whole payloads; a frame over `bytesMax` or with broken UTF-8 is a violation.
 * Failure: throws `Violation`; the receiver drops the connection and logs it, a sender that produced it exits.
 */
import { FRAME_BYTES_MAX } from "./bounds.ts";

export class Violation extends Error {
  override name = "Violation";
}

const HEADER_BYTES = 4;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** One frame. Throws `Violation` when the payload is over `bytesMax`: the sender must not have built it. */
export function encodeFrame(value: unknown, bytesMax = FRAME_BYTES_MAX): Buffer {
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) throw new Violation(`A frame of ${bytes} bytes exceeds ${bytesMax}.`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  frame.writeUInt32BE(bytes, 0);
  frame.write(text, HEADER_BYTES);
  return frame;
}

/** Puts frames back together from the chunks of one connection. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);
  readonly #bytesMax: number;

  constructor(bytesMax = FRAME_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Returns the payloads completed by `chunk`, parsed. Throws `Violation`. */
  push(chunk: Buffer): unknown[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const values: unknown[] = [];
    let at = 0;
    while (this.#pending.length - at >= HEADER_BYTES) {
      const bytes = this.#pending.readUInt32BE(at);
      if (bytes > this.#bytesMax) throw new Violation(`A frame of ${bytes} bytes exceeds ${this.#bytesMax}.`);
      if (this.#pending.length - at - HEADER_BYTES < bytes) break;
      values.push(parse(this.#pending.subarray(at + HEADER_BYTES, at + HEADER_BYTES + bytes)));
      at += HEADER_BYTES + bytes;
    }
    this.#pending = this.#pending.subarray(at);
    return values;
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(payload));
  } catch {
    throw new Violation("A frame is not UTF-8 JSON.");
  }
}
