import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkKill, checkStart } from "../../jail/messages.ts";
import { kernelToJailer } from "../../kernel/abi/messages.ts";
import { compile } from "../../kernel/process/schema.ts";
import { startRequest } from "./jailer.ts";

const bySchema = { start: compile(kernelToJailer.start.request), kill: compile(kernelToJailer.kill.request) };
const byHand = { start: checkStart, kill: checkKill };

const digits = (alphabet: string, length: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length });
const start = fc.record({
  slot: fc.integer({ min: -1, max: 100 }),
  cell: digits("0123456789abcdefghijklmnopqrstuvwxyz", 16).map((id) => `cell_${id}`),
  isolation: fc.constantFrom("nspawn", "gvisor"),
  bundle: digits("0123456789abcdef", 64),
  deadline_ms: fc.integer({ min: 0, max: 2 ** 40 }),
  resources: fc.record({
    memory_mib: fc.integer({ min: 31, max: 16_385 }),
    work_mib: fc.integer({ min: 0, max: 1025 }),
    processes: fc.integer({ min: 0, max: 513 }),
    files: fc.integer({ min: 15, max: 4097 }),
    output_kib: fc.integer({ min: 0, max: 1025 }),
  }),
});
/** What a stranger to the interface might put in place of a field. */
const odd = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    "",
    "0",
    "../etc",
    "/bin/sh",
    "cell_0000000000000000\n",
    1.5,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    true,
    [],
    {},
  ),
  fc.jsonValue(),
);
const spoilt = fc
  .tuple(start, fc.constantFrom("slot", "cell", "isolation", "bundle", "deadline_ms", "resources", "spare"), odd)
  .map(([body, name, value]) => ({ ...body, [name]: value }) as object);
const lacking = fc
  .tuple(start, fc.constantFrom("slot", "cell", "isolation", "bundle", "deadline_ms", "resources"))
  .map(([{ ...body }, name]) => {
    delete (body as Record<string, unknown>)[name];
    return body as object;
  });

describe("the checks by hand and the schemas of kernel/abi", () => {
  test.each(["start", "kill"] as const)("give %s the same verdict, whatever is sent", (message) => {
    fc.assert(
      fc.property(
        fc.oneof(
          start,
          spoilt,
          lacking,
          start.map(({ cell }) => ({ cell })),
          fc.jsonValue(),
        ),
        (body) => {
          expect(byHand[message](body).ok).toBe(bySchema[message](body).ok);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["slot", 0, 99],
    ["deadline_ms", 1, Number.MAX_SAFE_INTEGER],
  ] as const)("agree on the bounds of %s", (name, least, most) => {
    for (const [value, ok] of [
      [least - 1, false],
      [least, true],
      [most, true],
    ] as const) {
      const body = { ...startRequest("0".repeat(64)), [name]: value };
      expect([checkStart(body).ok, bySchema.start(body).ok]).toEqual([ok, ok]);
    }
  });
});

test("a message that is refused is refused by the name of its field", () => {
  expect(checkStart({ ...startRequest("0".repeat(64)), bundle: "../../etc" })).toEqual({
    ok: false,
    why: "/bundle is missing or of the wrong form",
  });
  expect(checkKill({ cell: "cell_0000000000000000", path: "/" })).toEqual({ ok: false, why: "has a spare field" });
});
