import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ConfigError,
  credential,
  directories,
  parseYaml,
  readYaml,
  readYamlFolder,
} from "../../../kernel/process/config.ts";
import { compile } from "../../../kernel/process/schema.ts";

const Limits = Type.Object(
  { slots: Type.Integer({ minimum: 1 }), names: Type.Optional(Type.Record(Type.String(), Type.String())) },
  { additionalProperties: false },
);
const check = compile(Limits);
let root = "";
const dirs = () => ({ etc: join(root, "etc"), var: join(root, "var") });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silo-config-"));
  mkdirSync(join(root, "etc"));
  mkdirSync(join(root, "var/config"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

describe("parseYaml", () => {
  test("names file, line and column of what is wrong", () => {
    const wrong = (text: string) => () => parseYaml(text, "silo.yaml", check);
    expect(wrong("slots: 0")).toThrow("silo.yaml:1:8: /slots must be >= 1");
    expect(wrong("slots: 1\nspare: 2")).toThrow(/^silo\.yaml:2:1: .*"spare"/);
    expect(wrong("slots: 1\nspare:")).toThrow(/^silo\.yaml:2:1: .*"spare"/);
    expect(wrong("slots: 1\nnames:\n  a: b\n  c: 3")).toThrow("silo.yaml:4:6:");
    expect(wrong("slots: [")).toThrow(/^silo\.yaml:1:\d+: /);
    expect(wrong("")).toThrow("silo.yaml:1:1:");
  });

  test.each([
    ["a key twice", "slots: 1\nslots: 2"],
    ["an alias", "slots: 1\nnames: &x {a: b}\nspare: *x"],
    ["a bomb of aliases", "a: &a [x,x]\nb: &b [*a,*a]\nslots: *b"],
    ["a merge", "slots: 1\n<<: {names: {a: b}}"],
    ["an unknown tag", "slots: !eval 1"],
    ["two documents", "slots: 1\n---\nslots: 2"],
    ["a prototype as a key", "slots: 1\n__proto__: {names: {a: b}}"],
    ["a string where a number belongs", 'slots: "1"'],
    ["yes for true under YAML 1.1", "%YAML 1.1\n---\nslots: 1\nnames: {a: yes, b: 1:30, c: on, d: ~}"],
    ["an infinite number", "slots: .inf"],
  ])("refuses %s", (_, text) => {
    expect(() => parseYaml(text, "silo.yaml", check)).toThrow(ConfigError);
  });

  test("never fails otherwise than with a ConfigError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."slots: 1\n-&*!|>{}[]'\"%#?,~<=") }), (text) => {
        try {
          parseYaml(text, "silo.yaml", check);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("readYaml", () => {
  test("takes what an administrator set before the default", () => {
    writeFileSync(join(root, "etc/silo.yaml"), "slots: 1");
    expect(readYaml(dirs(), "silo.yaml", check)).toEqual({ slots: 1 });
    writeFileSync(join(root, "var/config/silo.yaml"), "slots: 2");
    expect(readYaml(dirs(), "silo.yaml", check)).toEqual({ slots: 2 });
  });

  test("never falls back to the default when what was set is malformed or cannot be read", () => {
    writeFileSync(join(root, "etc/silo.yaml"), "slots: 1");
    writeFileSync(join(root, "var/config/silo.yaml"), "slots: none");
    expect(() => readYaml(dirs(), "silo.yaml", check)).toThrow(/var\/config\/silo\.yaml:1:8/);
    rmSync(join(root, "var/config/silo.yaml"));
    symlinkSync("silo.yaml", join(root, "var/config/silo.yaml"));
    expect(() => readYaml(dirs(), "silo.yaml", check)).toThrow(/cannot be read/);
  });

  test("says which file is missing", () => {
    expect(() => readYaml(dirs(), "silo.yaml", check)).toThrow(/etc\/silo\.yaml is missing/);
    expect(() => readYamlFolder(dirs(), "operations", check)).toThrow(/etc\/operations is missing/);
  });
});

test("readYamlFolder reads only *.yaml, in the order of their names", () => {
  mkdirSync(join(root, "etc/parts"));
  for (const [name, slots] of [
    ["b.yaml", 2],
    ["a.yaml", 1],
    ["c.yaml.bak", 3],
  ] as const) {
    writeFileSync(join(root, "etc/parts", name), `slots: ${slots}`);
  }
  expect(readYamlFolder(dirs(), "parts", check)).toEqual([{ slots: 1 }, { slots: 2 }]);
});

describe("credential", () => {
  test("is the bytes of the file", () => {
    writeFileSync(join(root, "permit"), Buffer.from([0, 255]));
    expect(credential({ credentials: root }, "permit")).toEqual(Buffer.from([0, 255]));
  });

  test("says which one is missing, and where", () => {
    expect(() => credential({ credentials: root }, "permit")).toThrow(`The credential permit is missing from ${root}.`);
  });

  test("comes from where the starter says", () => {
    expect(directories({ CREDENTIALS_DIRECTORY: "/run/credentials/x" }).credentials).toBe("/run/credentials/x");
    expect(directories({})).toEqual({
      etc: "/etc/silo",
      var: "/var/silo",
      run: "/run/silo",
      credentials: "/run/silo/credentials/none",
    });
  });
});
