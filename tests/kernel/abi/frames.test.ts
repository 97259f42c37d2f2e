import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAME_BYTES_MAX, FRAME_DEPTH_MAX } from "../../../kernel/abi/bounds.ts";
import { encodeFrame, FrameReader, Violation } from "../../../kernel/abi/frames.ts";

function header(bytes: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(bytes);
  return buffer;
}

function frameOf(payload: Buffer): Buffer {
  return Buffer.concat([header(payload.length), payload]);
}

function cut(bytes: Buffer, at: number[]): Buffer[] {
  const edges = [0, ...at.map((part) => part % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

describe("FrameReader", () => {
  test("yields the same values however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (values, cuts) => {
          const reader = new FrameReader();
          const bytes = Buffer.concat(values.map((value) => encodeFrame(value)));
          const read = cut(bytes, cuts).flatMap((chunk) => reader.push(chunk));
          expect(read).toEqual(JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });

  test("yields nothing of a frame that is not whole", () => {
    const frame = encodeFrame({ id: 1 });
    const reader = new FrameReader();
    expect(reader.push(frame.subarray(0, -1))).toEqual([]);
    expect(reader.push(frame.subarray(-1))).toEqual([{ id: 1 }]);
  });

  test("takes a frame of N bytes and refuses one of N+1 by its header alone", () => {
    const text = (bytes: number) => "x".repeat(bytes - 2);
    expect(new FrameReader(64).push(encodeFrame(text(64), 64))).toEqual([text(64)]);
    expect(() => new FrameReader(64).push(header(65))).toThrow(Violation);
    expect(() => new FrameReader().push(header(FRAME_BYTES_MAX + 1))).toThrow(Violation);
    expect(new FrameReader().push(header(FRAME_BYTES_MAX))).toEqual([]);
  });

  test("takes a frame of the full size in pieces of one kilobyte without copying it over and over", () => {
    const text = "x".repeat(FRAME_BYTES_MAX - 2);
    const frame = encodeFrame(text);
    const reader = new FrameReader();
    const started = performance.now();
    for (let at = 0; at < frame.length - 1; at += 1024)
      reader.push(frame.subarray(at, Math.min(at + 1024, frame.length - 1)));
    expect(reader.push(frame.subarray(-1))).toEqual([text]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test(`takes ${FRAME_DEPTH_MAX} levels and refuses one more`, () => {
    expect(new FrameReader().push(encodeFrame(nested(FRAME_DEPTH_MAX)))).toEqual([nested(FRAME_DEPTH_MAX)]);
    expect(() => new FrameReader().push(encodeFrame(nested(FRAME_DEPTH_MAX + 1)))).toThrow(/nests deeper/);
    const bomb = Buffer.from("[".repeat(500_000) + "]".repeat(500_000));
    expect(() => new FrameReader().push(frameOf(bomb))).toThrow(/nests deeper/);
  });

  test.each([
    ["an empty payload", Buffer.alloc(0)],
    ["no JSON", Buffer.from("{")],
    ["two values", Buffer.from("1 2")],
    ["broken UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["an overlong spelling", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ["a byte order mark", Buffer.from("\ufeff1")],
  ])("refuses %s", (_, payload) => {
    expect(() => new FrameReader().push(frameOf(payload))).toThrow(Violation);
  });
});

describe("encodeFrame", () => {
  test("counts bytes, not characters, at N and N+1", () => {
    expect(encodeFrame("é", 4)).toEqual(frameOf(Buffer.from('"é"')));
    expect(() => encodeFrame("é!", 4)).toThrow(Violation);
  });
});
