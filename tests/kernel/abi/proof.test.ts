/** The proof of an effect's end: it is about one call, one epoch and one end, and no permit. */
import { expect, test } from "vitest";
import { canonical, digest } from "../../../kernel/abi/json.ts";
import { macOf } from "../../../kernel/abi/mac.ts";
import { signPermit } from "../../../kernel/abi/permit.ts";
import { type ProvenCall, proveEnd, provenEnd } from "../../../kernel/abi/proof.ts";

const key = Buffer.alloc(32, 7);
const call: ProvenCall = {
  task: "task_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  case: "case_0123456789abcdef",
  step: 1,
  epoch: 3,
  proxy: "database",
  capability: "refund:create",
  arguments: digest({ order: "O1" }),
};

test.each(["happened", "void"] as const)("proves %s and nothing else", (end) => {
  expect(provenEnd(call, proveEnd(call, end, key), key)).toBe(end);
});

test("proves nothing of another call, attempt or step, nor under another key", () => {
  const proof = proveEnd(call, "void", key);
  const others: Partial<ProvenCall>[] = [
    { task: "task_0123456789abcdeg" },
    { assignment: "asgn_0123456789abcdeg" },
    { case: "case_0123456789abcdeg" },
    { step: 2 },
    { epoch: 4 },
    { proxy: "email" },
    { capability: "email:send" },
    { arguments: digest({ order: "O2" }) },
  ];
  expect(others.map((other) => Object.keys(other)[0])).toEqual(Object.keys(call));
  for (const other of others) expect(provenEnd({ ...call, ...other }, proof, key), JSON.stringify(other)).toBe(null);
  expect(provenEnd(call, proof, Buffer.alloc(32, 8))).toBe(null);
  for (const none of [null, "", proof.slice(1), proof.toUpperCase(), "0".repeat(64)])
    expect(provenEnd(call, none, key)).toBe(null);
});

test("is of a permit's terms whatever else they say, and is no code of a permit", () => {
  const permit = signPermit({ ...call, mode: "live", expires: 1000, void_until: 2 }, key);
  expect(proveEnd(permit, "void", key)).toBe(proveEnd(call, "void", key));
  expect(provenEnd(permit, permit.mac, key)).toBe(null);
  for (const end of ["happened", "void"] as const)
    expect(proveEnd(call, end, key)).not.toBe(macOf(canonical({ ...call, end }), key));
});
