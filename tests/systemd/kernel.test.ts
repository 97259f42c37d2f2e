/** The Linux kernel's settings and command line are data, each with its reason, and what is set is what is asked for before anything starts. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kernelLocked, kernelSettings } from "../../console/doctor/host.ts";
import { settings } from "../../console/doctor/kernel-settings.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kernel-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("sysctl.d", () => {
  test("sets each setting to its value, after its reason", () => {
    const lines = read("systemd/sysctl.d/silo.conf").split("\n").filter(Boolean).slice(2);
    const wanted = settings.flatMap(({ name, value, reason }) => [`# ${reason}`, `${name} = ${value}`]);
    expect(lines).toEqual(wanted);
  });

  test("sets none twice, and none that is required below what is required", () => {
    expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length);
    for (const { value, least } of settings)
      if (least !== undefined) expect(Number(value)).toBeGreaterThanOrEqual(least);
  });

  test("passes the check of the start; with any required one lowered it is refused", () => {
    const required = settings.filter(({ least }) => least !== undefined);
    expect(required.length).toBeGreaterThan(5);
    const place = (name: string) => name.replaceAll(".", "/");
    for (const { name, value } of settings) put(place(name), `${value}\n`);
    expect(kernelSettings("appliance", root).state).toBe("holds");
    for (const { name, value, least } of required) {
      put(place(name), String((least as number) - 1));
      expect(kernelSettings("appliance", root)).toMatchObject({
        state: "missing",
        means: expect.stringContaining(name),
      });
      put(place(name), String(value));
    }
  });
});

describe("the command line", () => {
  const lines = read("image/cmdline")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const parameters = lines.map((line) => line.split("#")[0]?.trim());

  test("has a reason for every parameter, and none twice", () => {
    for (const line of lines) expect(line).toMatch(/^\S+ +# \S.{9,}$/);
    expect(new Set(parameters).size).toBe(lines.length);
  });

  test("closes what nothing else would", () => {
    const closed = ["lockdown=integrity", "module.sig_enforce=1", "systemd.import_credentials=no", "rd.shell=0"];
    expect(parameters).toEqual(expect.arrayContaining(closed));
  });
});

describe("the lock", () => {
  const lockdown = "kernel/security/lockdown";
  const signatures = "module/module/parameters/sig_enforce";

  test.each(["none [integrity] confidentiality\n", "none integrity [confidentiality]\n"])("holds with %j", (text) => {
    put(lockdown, text);
    put(signatures, "Y\n");
    expect(kernelLocked("appliance", root).state).toBe("holds");
  });

  test.each([
    ["lockdown=integrity", "[none] integrity confidentiality\n", "Y\n"],
    ["module.sig_enforce=1", "none [integrity] confidentiality\n", "N\n"],
  ])("is missed without %s", (named, text, enforced) => {
    put(lockdown, text);
    put(signatures, enforced);
    expect(kernelLocked("appliance", root)).toMatchObject({ state: "missing", means: expect.stringContaining(named) });
    expect(kernelLocked("trial", root).state).toBe("lowered");
  });

  test("is missed where the Linux kernel does not say", () => {
    expect(kernelLocked("appliance", root).state).toBe("missing");
  });
});
