import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BaseClaims } from "../../kernel/abi/claims.ts";
import { readOperations } from "../../kernel/abi/operations-file.ts";
import { readPeople } from "../../kernel/people.ts";
import { compile } from "../../kernel/process/schema.ts";

const shipped = join(import.meta.dirname, "../../config");
const operations = readOperations({ etc: shipped });
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "people-"));
  mkdirSync(join(root, "config"));
});
afterAll(() => rmSync(root, { recursive: true }));

function read(text: string) {
  writeFileSync(join(root, "people.yaml"), text);
  return readPeople({ etc: root, var: root }, operations);
}

const manager = (rest = "") => `roles:
  manager:
    tools: agent
    capabilities: { "customer:read": {} }${rest}
people:
`;

describe("people.yaml", () => {
  test("as shipped has a manager and an administrator", () => {
    const { people, roles } = readPeople({ etc: shipped, var: root }, operations);
    expect(people.get("maria")).toEqual({ person: "maria", roles: ["refund-manager"], administrator: false });
    expect(people.get("admin")).toEqual({ person: "admin", roles: [], administrator: true });
    expect(roles.get("refund-manager")?.asks["refund:create"]?.[0]?.max).toBe(500_000);
  });

  test("gives a declaration a digest that changes with what it asks for, not with how it is written", () => {
    const digestOf = (text: string) => read(text).roles.get("manager")?.digest;
    const first = digestOf(`${manager()}  maria: {}\n`);
    expect(digestOf(`# a comment\n${manager()}  joan: {}\n`)).toBe(first);
    expect(digestOf(`${manager().replace("{}", "{ calls: { task: 1 } }")}  maria: {}\n`)).not.toBe(first);
    expect(digestOf(`${manager().replace("agent", "other")}  maria: {}\n`)).not.toBe(first);
  });

  test("makes nobody an administrator who is not said to be one", () => {
    expect(read(`${manager()}  maria: {}\n`).people.get("maria")).toMatchObject({ administrator: false, roles: [] });
    expect(read(`${manager()}  maria: {}\n`).people.get("constructor")).toBeUndefined();
  });

  test("lets a role escalate to as many as its base key can name, and no more", () => {
    const naming = (count: number) => {
      const names = Array.from({ length: count }, (_, n) => `role-${n}`).join(", ");
      return read(`${manager(`\n    escalates_to: [${names}]`)}  maria: {}\n`);
    };
    const named = compile(BaseClaims.properties.escalates_to);
    const { escalates_to } = naming(16).roles.get("manager") ?? {};
    expect(named(escalates_to).ok).toBe(true);
    expect(named([...(escalates_to ?? []), "role-16"]).ok).toBe(false);
    expect(() => naming(17)).toThrow(/people\.yaml:\d+:\d+: \/roles\/manager\/escalates_to/);
  });

  const faults: Record<string, [text: string, sentence: RegExp]> = {
    "a person with a role that is not declared": [`${manager()}  maria: { roles: [boss] }`, /:6:20: .*not among roles/],
    "a person with a role of an agent": [`${manager()}  maria: { roles: [agent] }`, /not among roles/],
    "administrator as a word": [`${manager()}  maria: { administrator: "yes" }`, /:6:27: /],
    "a misspelled member": [`${manager()}  maria: { role: [manager] }`, /:6:12: .*"role"/],
    "a person in capitals": [`${manager()}  Maria: {}`, /people\.yaml/],
    "a person twice": [`${manager()}  maria: {}\n  maria: { administrator: true }`, /:7:3: /],
    "a role whose tools are those of another role of people": [
      `${manager().replace("agent", "manager")}  maria: {}`,
      /:3:12: /,
    ],
    "a capability that does not exist": [
      `${manager().replace("customer:read", "customer:sell")}  maria: {}`,
      /:4:\d+: .*not an operation/,
    ],
    "money that is none": [
      `${manager().replace('"customer:read": {}', '"refund:create": { amount: { call: lots } }')}  maria: {}`,
      /:4:\d+: .*must be money/,
    ],
  };
  for (const [name, [text, sentence]] of Object.entries(faults)) {
    test(`is not read with ${name}`, () => expect(() => read(text)).toThrow(sentence));
  }
});
