/** Claims about agent folders that cannot be approved, as an administrator meets them: through the `silo` command. */
import { mkdirSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { exits } from "../../console/cli/exits.ts";
import { silo, type TestAppliance } from "./world.ts";

const MAIN = "def run(task): pass\n";
const policy = (role: string, ...more: string[]) => [`role: ${role}`, "isolation: nspawn", ...more, ""].join("\n");

type Folder = { role: string; files: Record<string, string>; code: string; message: string };

/** Line and column are those of the name or value that is wrong, counted from 1. */
const folders: readonly Folder[] = [
  {
    role: "no-main",
    files: { "policy.yaml": policy("no-main", "capabilities: {}") },
    code: "BUNDLE_INVALID",
    message: "main.py is missing.",
  },
  {
    role: "no-policy",
    files: { "main.py": MAIN },
    code: "BUNDLE_INVALID",
    message: "policy.yaml is missing.",
  },
  {
    role: "spare-key",
    files: { "main.py": MAIN, "policy.yaml": policy("spare-key", "root: true", "capabilities: {}") },
    code: "POLICY_INVALID",
    message: "policy.yaml:3:1: ",
  },
  {
    role: "wrong-type",
    files: {
      "main.py": MAIN,
      "policy.yaml": policy("wrong-type", "resources: { files: 64,", "  memory_mib: plenty }", "capabilities: {}"),
    },
    code: "POLICY_INVALID",
    message: "policy.yaml:4:15: ",
  },
  {
    role: "key-twice",
    files: { "main.py": MAIN, "policy.yaml": policy("key-twice", "isolation: none", "capabilities: {}") },
    code: "POLICY_INVALID",
    message: "policy.yaml:3:1: ",
  },
  {
    role: "no-yaml",
    files: { "main.py": MAIN, "policy.yaml": "role: [\n" },
    code: "POLICY_INVALID",
    message: "policy.yaml:2:1: ",
  },
  {
    role: "no-operation",
    files: {
      "main.py": MAIN,
      "policy.yaml": policy("no-operation", "capabilities:", "  customer:read: {}", "  bank:empty: {}"),
    },
    code: "POLICY_INVALID",
    message: "policy.yaml:5:15: ",
  },
  {
    role: "other-name",
    files: { "main.py": MAIN, "policy.yaml": policy("hello", "capabilities: {}") },
    code: "POLICY_INVALID",
    message: "The folder is called other-name",
  },
];

export function describeFolders(of: () => TestAppliance): void {
  describe("an agent folder that cannot be approved", () => {
    beforeAll(() => {
      for (const { role, files } of folders) drop(of(), role, files);
    });

    test("is listed with what is wrong, beside those that can", async () => {
      const { exit, out } = await silo(of(), "agent", "list");
      expect(exit).toBe(exits.done);
      for (const { role, message } of folders) expect(out).toMatch(line(role, "invalid", message));
      expect(out).toMatch(line("hello", "online", ""));
    });

    test.each(folders)("$role: is refused with code, sentence and exit status", async ({ role, code, message }) => {
      const { exit, out } = await silo(of(), "agent", "approve", role, "--yes", "--json");
      expect(exit).toBe(exits.refused);
      const said = JSON.parse(out) as Record<string, unknown>;
      expect(said).toEqual({ exit: exits.refused, code, message: expect.stringContaining(message) });
    });

    test("is named to a person, with the place", async () => {
      const { exit, out, err } = await silo(of(), "agent", "approve", "wrong-type", "--yes");
      expect({ exit, out }).toEqual({ exit: exits.refused, out: "" });
      expect(err).toMatch(/^wrong-type cannot be approved: policy\.yaml:4:15: .*memory_mib/);
    });

    test("that is not there is another refusal", async () => {
      const { exit, out } = await silo(of(), "agent", "approve", "nobody", "--yes", "--json");
      expect({ exit, code: (JSON.parse(out) as Record<string, unknown>)["code"] }).toEqual({
        exit: 3,
        code: "ROLE_UNKNOWN",
      });
    });

    test("can be approved when it has been mended, and not before", async () => {
      drop(of(), "no-main", { "main.py": MAIN });
      const { exit, out } = await silo(of(), "agent", "approve", "no-main", "--yes", "--json");
      expect({ exit, agent: (JSON.parse(out) as { agent: { state: string } }).agent.state }).toEqual({
        exit: exits.done,
        agent: "online",
      });
    });
  });
}

function drop({ places }: TestAppliance, role: string, files: Record<string, string>): void {
  const folder = `${places.var}/agents/${role}`;
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
}

function line(role: string, state: string, note: string): RegExp {
  return new RegExp(`^${role} +${state} .*${note.replace(/[.[\]]/g, "\\$&")}`, "m");
}
