import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { events } from "../../kernel/abi/events.ts";
import { type Facts, HOPS_MAX, readTransitions, route, type TransitionMap } from "../../kernel/route.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "route-"));
  mkdirSync(join(root, "config"));
});
afterAll(() => rmSync(root, { recursive: true }));

function read(text: string): TransitionMap {
  writeFileSync(join(root, "transitions.yaml"), text);
  return readTransitions({ etc: root, var: root });
}

const LAST = `
- { on: Completed, end: Completed }
- { on: Escalated, end: Failed }
- { on: Failed, end: Failed }
- { on: TimedOut, end: Failed }
`;
const lastRules = [
  { on: "Completed", end: "Completed" },
  { on: "Escalated", end: "Failed" },
  { on: "Failed", end: "Failed" },
  { on: "TimedOut", end: "Failed" },
];
const facts: Facts = { kind: "refund", from: null, reason: null, hops: 0, online: () => true, random: 0.5 };

describe("the shipped map", () => {
  const map = readTransitions({ etc: join(import.meta.dirname, "../../config"), var: "/nonexistent" });
  const agent = { ...facts, from: "refund-agent" };

  test("gives a refund to the refund agent, and to a human what that one cannot do", () => {
    expect(route(map, "TaskCreated", facts)).toEqual({ to: "refund-agent" });
    expect(route(map, "Escalated", agent)).toEqual({ to: "refund-manager" });
    expect(route(map, "Failed", { ...agent, reason: "REPLAY_DIVERGED" })).toEqual({ to: "refund-manager" });
    expect(route(map, "TimedOut", agent)).toEqual({ to: "refund-manager" });
    expect(route(map, "Completed", agent)).toEqual({ end: "Completed" });
  });

  test("does not give a task back to the human who failed at it", () => {
    expect(route(map, "Failed", { ...facts, from: "refund-manager" })).toEqual({ end: "Failed" });
  });

  test("knows no other kind", () => {
    expect(route(map, "TaskCreated", { ...facts, kind: "other" })).toBeNull();
  });
});

describe("a rule", () => {
  test("decides when it is the first whose conditions all hold", () => {
    const map = read(`
- { on: Escalated, from: a, reason: fraud, to: police }
- { on: Escalated, from: a, to: b }
- { on: Escalated, kind: refund, to: c }
${LAST.replace("- { on: Escalated, end: Failed }", "- { on: Escalated, to: d }")}`);
    expect(route(map, "Escalated", { ...facts, from: "a", reason: "fraud" })).toEqual({ to: "police" });
    expect(route(map, "Escalated", { ...facts, from: "a", reason: "other" })).toEqual({ to: "b" });
    expect(route(map, "Escalated", { ...facts, from: "x" })).toEqual({ to: "c" });
    expect(route(map, "Escalated", { ...facts, kind: "other", from: "x" })).toEqual({ to: "d" });
  });

  test("with hops_min holds from that many hand-overs on", () => {
    const map = read(`- { on: Failed, hops_min: 3, end: Failed }\n- { on: Failed, to: again }
- { on: Completed, end: Completed }\n- { on: Escalated, end: Failed }\n- { on: TimedOut, end: Failed }`);
    expect(route(map, "Failed", { ...facts, hops: 2 })).toEqual({ to: "again" });
    expect(route(map, "Failed", { ...facts, hops: 3 })).toEqual({ end: "Failed" });
  });

  test("with shadow_one_in holds for one task in so many", () => {
    const map = read(`- { on: TaskCreated, shadow_one_in: 4, to: human }\n- { on: TaskCreated, to: agent }${LAST}`);
    const draws = Array.from({ length: 400 }, (_, n) => route(map, "TaskCreated", { ...facts, random: n / 400 }));
    expect(draws.filter((next) => next && "to" in next && next.to === "human")).toHaveLength(100);
    const never = read(`- { on: TaskCreated, shadow_one_in: 1, to: human }\n- { on: TaskCreated, to: agent }${LAST}`);
    expect(route(never, "TaskCreated", { ...facts, random: 0.999999 })).toEqual({ to: "human", shadow: "agent" });
  });

  test("with shadow_one_in names beside the people whoever has the task otherwise, if there is one", () => {
    const map = (rest: string) => read(`- { on: TaskCreated, shadow_one_in: 1, to: human }${rest}${LAST}`);
    expect(route(map(""), "TaskCreated", facts)).toEqual({ to: "human" });
    const same = map("\n- { on: TaskCreated, kind: refund, to: human }\n- { on: TaskCreated, to: agent }");
    expect(route(same, "TaskCreated", facts)).toEqual({ to: "human" });
    expect(route(same, "TaskCreated", { ...facts, kind: "hello" })).toEqual({ to: "human", shadow: "agent" });
    const away = { ...facts, kind: "hello", online: (role: string) => role !== "agent" };
    expect(route(same, "TaskCreated", away)).toEqual({ to: "human" });
  });

  test("with offline looks at the role that had the task", () => {
    const map = read(
      `- { on: HandedBack, offline: true, to: other }\n- { on: HandedBack, offline: false, to: same }${LAST}`,
    );
    const had = (online: boolean) => ({ ...facts, from: "a", online: (role: string) => role !== "a" || online });
    expect(route(map, "HandedBack", had(false))).toEqual({ to: "other" });
    expect(route(map, "HandedBack", had(true))).toEqual({ to: "same" });
  });
});

describe("a role that is offline", () => {
  const map = () => read(`- { on: TaskCreated, to: agent }\n- { on: RoleOffline, from: agent, to: human }${LAST}`);

  test("is replaced as the map says", () => {
    expect(route(map(), "TaskCreated", { ...facts, online: (role) => role === "human" })).toEqual({ to: "human" });
  });

  test("is waited for when the map names nobody, or nobody who is there", () => {
    const silent = read(`- { on: TaskCreated, to: agent }${LAST}`);
    expect(route(silent, "TaskCreated", { ...facts, online: () => false })).toEqual({ wait: "agent" });
    expect(route(map(), "TaskCreated", { ...facts, online: () => false })).toEqual({ wait: "agent" });
  });
});

test("a task goes round HOPS_MAX times and no more", () => {
  const map = read(`- { on: Escalated, to: other }\n${LAST.replace("- { on: Escalated, end: Failed }\n", "")}`);
  expect(route(map, "Escalated", { ...facts, hops: HOPS_MAX - 1 })).toEqual({ to: "other" });
  expect(route(map, "Escalated", { ...facts, hops: HOPS_MAX })).toEqual({ end: "Failed" });
});

test("every map that is read decides Completed, Escalated, Failed and TimedOut for every task", () => {
  const name = fc.constantFrom("a", "b", "c");
  const target = fc.oneof(fc.record({ to: name }), fc.record({ end: fc.constantFrom("Completed", "Failed") }));
  const conditions = fc.record(
    { kind: name, from: name, reason: name, hops_min: fc.integer({ min: 1, max: 20 }), offline: fc.boolean() },
    { requiredKeys: [] },
  );
  const rule = fc
    .tuple(fc.constantFrom(...events), conditions, target)
    .map(([on, conditions, target]) => ({ on, ...conditions, ...target }));
  const someFacts = fc.record({
    kind: name,
    from: fc.option(name),
    reason: fc.option(name),
    hops: fc.nat(20),
    online: fc.func(fc.boolean()),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), someFacts, (rules, facts) => {
      let map: TransitionMap;
      try {
        map = read(JSON.stringify([...rules, ...lastRules]));
      } catch {
        return; // unreachable rules are refused; tested below
      }
      for (const event of ["Completed", "Escalated", "Failed", "TimedOut"] as const) {
        expect(route(map, event, facts as Facts)).not.toBeNull();
      }
    }),
  );
});

describe("a map is not read", () => {
  const faults: Record<string, [text: string, place: RegExp]> = {
    "with an unknown event": [`- { on: Exploded, to: a }${LAST}`, /transitions\.yaml:1:9: /],
    "with a condition that does not exist": [`- { on: Failed, colour: red, to: a }${LAST}`, /:1:17: .*"colour"/],
    "with a rule that goes nowhere": [`- { on: TaskCreated, kind: refund }${LAST}`, /:1:3: .*either/],
    "with a rule that goes two ways": [
      `- { on: TaskCreated, kind: refund, to: a, end: Failed }${LAST}`,
      /:1:3: .*either/,
    ],
    "with a rule that is never reached": [`${LAST}- { on: Failed, kind: refund, to: a }`, /:6:3: .*never reached/],
    "with a draw for a role that is offline": [
      `- { on: RoleOffline, from: a, shadow_one_in: 2, to: b }${LAST}`,
      /:1:3: .*shadow_one_in on RoleOffline/,
    ],
    "without a last word on Failed": [
      "- { on: Completed, end: Completed }\n- { on: Escalated, end: Failed }",
      /Failed/,
    ],
    "with a role in capitals": [`- { on: TaskCreated, to: Admin }${LAST}`, /:1:26: /],
    "that is empty": ["[]", /transitions\.yaml/],
    "that is not a list": ["on: Failed", /transitions\.yaml/],
    "with a member twice": [`- { on: Failed, to: a, to: b }${LAST}`, /:1:24: /],
    "with an alias": [`- &x { on: Failed, to: a }\n- *x${LAST}`, /transitions\.yaml/],
  };
  for (const [name, [text, place]] of Object.entries(faults)) {
    test(name, () => expect(() => read(text)).toThrow(place));
  }

  test("when it is missing", () => {
    expect(() => readTransitions({ etc: "/nonexistent", var: "/nonexistent" })).toThrow(/transitions\.yaml is missing/);
  });
});
