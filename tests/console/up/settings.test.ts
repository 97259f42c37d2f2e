import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { settle } from "../../../console/up/settings.ts";

let folder: string;
const places = () => ({ etc: join(folder, "etc"), var: join(folder, "var") });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
  cpSync("config", join(folder, "etc"), { recursive: true });
  mkdirSync(join(folder, "var/config"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a port is set where an administrator's settings are, and all else stays as it stands", () => {
  const shipped = settle(places(), undefined);
  expect(settle(places(), 9443)).toEqual({ ...shipped, http: { ...shipped.http, port: 9443 } });
  expect(settle(places(), undefined).http.port).toBe(9443);
});

test.each(["silo.yaml", "silo.yaml.new"])("a link named %s that another user left is not written through", (name) => {
  const victim = join(folder, "victim");
  const link = join(folder, "var/config", name);
  writeFileSync(victim, `# nobody's\n${readFileSync("config/silo.yaml", "utf8")}`);
  const before = readFileSync(victim, "utf8");
  symlinkSync(victim, link);
  settle(places(), 9443);
  expect(readFileSync(victim, "utf8")).toBe(before);
  expect(lstatSync(join(folder, "var/config/silo.yaml")).isFile()).toBe(true);
});
