import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readOperations } from "../../kernel/abi/operations-file.ts";
import { GRANT_BYTES_MAX, grantOf } from "../../kernel/grants.ts";
import { formatMoney } from "../../kernel/money.ts";
import { DEADLINE_SECONDS_MAX, POLICY_BYTES_MAX, policyReader } from "../../kernel/policy.ts";

const operations = readOperations({ etc: join(import.meta.dirname, "../../config") });
const read = policyReader(operations);

const policy = (capabilities: string, rest = "") =>
  `role: refund-agent\nisolation: nspawn\n${rest}capabilities:\n${capabilities.replace(/^/gm, "  ")}\n`;
const refund = (amount: string) => policy(`refund:create: { amount: ${amount} }`);

describe("policy.yaml", () => {
  test("becomes the grant that will be in force", () => {
    const text = policy(
      `customer:read: {}
refund:create: { amount: { call: "500.00 USD", customer_day: "600 USD" }, calls: { role_day: 100 } }`,
      "deadline_seconds: 60\nresources: { memory_mib: 64 }\nescalates_to: [refund-manager]\n",
    );
    expect(read(text)).toEqual({
      end: "done",
      value: {
        role: "refund-agent",
        isolation: "nspawn",
        deadline_ms: 60_000,
        resources: { memory_mib: 64, work_mib: 16, processes: 32, files: 128, output_kib: 64 },
        escalates_to: ["refund-manager"],
        subagents: [],
        capabilities: {
          "customer:read": [],
          "refund:create": [
            { measure: "amount", scope: "call", unit: "USD", max: 50_000 },
            { measure: "amount", scope: "customer_day", unit: "USD", max: 60_000 },
            { measure: "calls", scope: "role_day", unit: null, max: 100 },
          ],
        },
      },
    });
  });

  test("without an isolation means gVisor", () => {
    expect(read("role: x\ncapabilities: {}")).toMatchObject({ value: { isolation: "gvisor" } });
  });

  test("takes the longest deadline and not a second more", () => {
    const withDeadline = (seconds: number) => read(policy("customer:read: {}", `deadline_seconds: ${seconds}\n`));
    expect(withDeadline(DEADLINE_SECONDS_MAX)).toMatchObject({ end: "done" });
    expect(withDeadline(DEADLINE_SECONDS_MAX + 1)).toMatchObject({ code: "POLICY_INVALID" });
    expect(withDeadline(0)).toMatchObject({ code: "POLICY_INVALID" });
  });

  test("may be as long as it may be and not a byte longer", () => {
    const text = policy("customer:read: {}");
    const padded = (bytes: number) => `${text}#${"x".repeat(bytes - text.length - 1)}`;
    expect(read(padded(POLICY_BYTES_MAX))).toMatchObject({ end: "done" });
    expect(read(padded(POLICY_BYTES_MAX + 1))).toMatchObject({ code: "POLICY_INVALID" });
  });

  test("any amount of dollars is granted to the cent", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (minor) => {
        const end = read(refund(`{ call: "${formatMoney(minor, "USD")}" }`));
        expect(end).toMatchObject({ value: { capabilities: { "refund:create": [{ unit: "USD", max: minor }] } } });
      }),
    );
  });

  test("whatever it holds ends done or POLICY_INVALID, and nothing is thrown", () => {
    const piece = fc.constantFrom(
      "role: a",
      "\n",
      "  ",
      "capabilities:",
      "refund:create:",
      "{",
      "}",
      "[",
      "]",
      ": ",
      "- ",
      "&a ",
      "*a",
      "!!binary ",
      "? ",
      "|",
      '"500.00 USD"',
      "amount",
      "call",
      "<<",
      "__proto__",
      "#",
      "\t",
      "%TAG ! x\n---\n",
      "...",
      "\u0000",
      "\ufeff",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const end = read(pieces.join(""));
        if (end.end !== "done") expect(end).toMatchObject({ end: "refused", code: "POLICY_INVALID" });
      }),
      { numRuns: 500 },
    );
    for (const deep of ["[", "{a: ", "- ", "? ", "!a "]) {
      expect(read(deep.repeat(POLICY_BYTES_MAX / deep.length - 1))).toMatchObject({ code: "POLICY_INVALID" });
    }
  });
});

describe("policy.yaml is refused, with the place", () => {
  const faults: Record<string, [text: string, sentence: RegExp]> = {
    "money without a currency": [refund("{ call: 500 }"), /^policy\.yaml:4:\d+: .*call must be money/],
    "money without decimals of the currency": [refund('{ call: "500.5 USD" }'), /call must be money/],
    "money with a thousands separator": [refund('{ call: "1,000.00 USD" }'), /call must be money/],
    "money in a currency that does not exist": [refund('{ call: "500.00 UDS" }'), /call must be money/],
    "money in a currency the operation does not take": [refund('{ call: "500.00 EUR" }'), /may only be in USD/],
    "the same currency twice": [refund('{ call: ["1.00 USD", "2.00 USD"] }'), /says USD twice/],
    "less than nothing": [refund('{ call: "-5.00 USD" }'), /call must be money/],
    "a limit on a number that is not limited": [
      policy("refund:create: { order: { call: 5 } }"),
      /needs a limit on amount/,
    ],
    "a limit on a misspelled number": [
      policy('refund:create: { amount: { call: "1 USD" }, amuont: { task: "1 USD" } }'),
      /amuont is not a number/,
    ],
    "a prototype name as a number": [
      policy('refund:create: { amount: { call: "1 USD" }, constructor: { task: 1 } }'),
      /constructor is not a number/,
    ],
    "a limited number without a limit": [policy("refund:create: {}"), /needs a limit on amount/],
    "a limit in no scope": [policy("refund:create: { amount: {} }"), /amount/],
    "a misspelled scope": [refund('{ cal: "500.00 USD" }'), /^policy\.yaml:4:\d+: .*"cal"/],
    "a count in money": [policy('email:send: { calls: { task: "3 USD" } }'), /whole number without a currency/],
    "half a call": [policy("email:send: { calls: { task: 1.5 } }"), /calls/],
    "calls per call": [policy("email:send: { calls: { call: 1 } }"), /a call is one call/],
    "a capability nobody offers": [policy("refund:delete: {}"), /^policy\.yaml:4:\d+: .*not an operation/],
    "a capability of another form": [policy("refund: {}"), /^policy\.yaml:4:\d+: /],
    "the vault's own look-up": [policy("customer:known: {}"), /the vault's own/],
    "a spare name": [policy("customer:read: {}", "network: true\n"), /^policy\.yaml:3:\d+: .*"network"/],
    "a spare resource": [policy("customer:read: {}", "resources: { cpu: 4 }\n"), /"cpu"/],
    "memory in words": [policy("customer:read: {}", "resources: { memory_mib: lots }\n"), /^policy\.yaml:3:\d+: /],
    "an isolation that does not exist": [policy("{}").replace("nspawn", "none"), /isolation/],
    "no role": ["capabilities: {}", /role/],
    "a role that is a path": ["role: ../kernel\ncapabilities: {}", /^policy\.yaml:1:7: /],
    "no capabilities": ["role: a", /capabilities/],
    "a name twice": ["role: a\nrole: b\ncapabilities: {}", /^policy\.yaml:2:1: /],
    "an alias": ["role: &a x\nescalates_to: [*a]\ncapabilities: {}", /policy\.yaml/],
    "two documents": ["role: a\ncapabilities: {}\n---\nrole: b\ncapabilities: {}", /policy\.yaml/],
    nothing: ["", /policy\.yaml/],
  };
  for (const [name, [text, sentence]] of Object.entries(faults)) {
    test(`for ${name}`, () => {
      const end = read(text);
      expect(end).toMatchObject({ end: "refused", code: "POLICY_INVALID" });
      expect("message" in end && end.message).toMatch(sentence);
    });
  }
});

test("a grant is refused when it would not fit into a base key", () => {
  const [name, operation] = ["customer:read", operations.get("customer:read")];
  if (operation === undefined) throw new Error(`${name} is not declared`);
  const many = (count: number) => Array.from({ length: count }, (_, n) => `${"x".repeat(30)}:${"y".repeat(26)}${n}`);
  const written = (count: number) =>
    Object.fromEntries(many(count).map((name) => [name, { calls: { task: 1, customer_day: 1, role_day: 1 } }]));
  const wide = new Map(many(64).map((name) => [name, operation]));
  const small = grantOf(written(20), wide);
  expect(typeof small).toBe("object");
  expect(Buffer.byteLength(JSON.stringify(small))).toBeLessThanOrEqual(GRANT_BYTES_MAX);
  expect(grantOf(written(64), wide)).toMatch(/base key/);
});
