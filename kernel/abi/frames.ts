/**
 * Frames between processes: four bytes of length (big-endian), then that many bytes of UTF-8 JSON.
 *
 * Threat: a peer that has been taken over sends endless, oversized, broken or deeply nested frames, or a large one in tiny pieces.
 * Contract: `FrameReader.push` yields whole payloads; a frame over `bytesMax`, deeper than `FRAME_DEPTH_MAX` or with broken UTF-8 is a
 * violation. However it arrives, the work grows with its bytes alone.
 * Failure: throws `Violation`; the receiver drops the connection and logs it, a sender that produced it exits.
 */
import { FRAME_BYTES_MAX, FRAME_DEPTH_MAX } from "./bounds.ts";

export class Violation extends Error {
  override name = "Violation";
}

const HEADER_BYTES = 4;
const EMPTY = Buffer.alloc(0);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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
  #pending: Buffer = EMPTY;
  /** Bytes of `#pending` that are in use. */
  #bytes = 0;
  /** Bytes that must be there before looking again is of use. */
  #wanted = HEADER_BYTES;
  readonly #bytesMax: number;

  constructor(bytesMax = FRAME_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Returns the payloads completed by `chunk`, parsed. Throws `Violation`. */
  push(chunk: Buffer): unknown[] {
    this.#append(chunk);
    const values: unknown[] = [];
    let at = 0;
    while (this.#bytes - at >= this.#wanted) {
      const end = this.#endOfFrame(at);
      if (end <= this.#bytes) {
        values.push(parse(this.#pending.subarray(at + HEADER_BYTES, end)));
        at = end;
        this.#wanted = HEADER_BYTES;
      } else this.#wanted = end - at;
    }
    this.#drop(at);
    return values;
  }

  #append(chunk: Buffer): void {
    const bytes = this.#bytes + chunk.length;
    if (bytes > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#pending.length));
      this.#pending.copy(larger, 0, 0, this.#bytes);
      this.#pending = larger;
    }
    chunk.copy(this.#pending, this.#bytes);
    this.#bytes = bytes;
  }

  #endOfFrame(at: number): number {
    const bytes = this.#pending.readUInt32BE(at);
    if (bytes > this.#bytesMax) throw new Violation(`A frame of ${bytes} bytes exceeds ${this.#bytesMax}.`);
    return at + HEADER_BYTES + bytes;
  }

  #drop(bytes: number): void {
    if (bytes === 0) return;
    this.#pending.copyWithin(0, bytes, this.#bytes);
    this.#bytes -= bytes;
    if (this.#bytes === 0) this.#pending = EMPTY;
  }
}

function parse(payload: Buffer): unknown {
  const value = decode(payload);
  if (isDeeper(value, FRAME_DEPTH_MAX)) throw new Violation(`A frame nests deeper than ${FRAME_DEPTH_MAX}.`);
  return value;
}

function decode(payload: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(payload));
  } catch {
    throw new Violation("A frame is not UTF-8 JSON.");
  }
}

function isDeeper(value: unknown, depthMax: number): boolean {
  if (value === null || typeof value !== "object") return false;
  if (depthMax === 0) return true;
  return Object.values(value).some((inner) => isDeeper(inner, depthMax - 1));
}
