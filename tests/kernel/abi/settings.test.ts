import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SLOTS_MAX } from "../../../kernel/abi/bounds.ts";
import { readSettings, unsaid } from "../../../kernel/abi/settings.ts";

const shipped = join(import.meta.dirname, "../../../config");
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "settings-"));
  mkdirSync(join(root, "config"));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Reads the shipped silo.yaml with one change made to its text. */
function withChange(from: string | RegExp, to: string) {
  const text = readFileSync(join(shipped, "silo.yaml"), "utf8");
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(join(root, "silo.yaml"), changed);
  return () => readSettings({ etc: root, var: root });
}

describe("silo.yaml", () => {
  test("as shipped can be read", () => {
    const settings = readSettings({ etc: shipped, var: root });
    expect(settings).toMatchObject({ time_zone: "UTC", http: { port: 8443 } });
    expect(settings.frontends["shop"]?.kinds).toContain("refund");
  });

  test("takes as many slots as there may be and not one more", () => {
    expect(withChange("slots: 4", `slots: ${SLOTS_MAX}`)().slots).toBe(SLOTS_MAX);
    expect(withChange("slots: 4", `slots: ${SLOTS_MAX + 1}`)).toThrow(/silo\.yaml:5:8: /);
    expect(withChange("slots: 4", "slots: 0")).toThrow(/silo\.yaml:5:8: /);
  });

  test("names the weakest isolation, and only one there is", () => {
    expect(withChange("weakest_isolation: nspawn", "weakest_isolation: gvisor")().cells).toEqual({
      weakest_isolation: "gvisor",
    });
    expect(withChange("weakest_isolation: nspawn", "weakest_isolation: none")).toThrow(/weakest_isolation/);
    expect(withChange("{ weakest_isolation: nspawn }", "{}")).toThrow(/weakest_isolation/);
  });

  test("of an older version still says enough, and the shipped one says aloud what then holds", () => {
    const older = withChange(/^(cells|pool|export|witnesses): .*$/gmu, "")();
    expect(older).toMatchObject(unsaid);
    expect(older).toEqual(readSettings({ etc: shipped, var: join(root, "nowhere") }));
  });

  test("takes a time zone that exists", () => {
    expect(withChange("UTC", "Europe/Berlin")().time_zone).toBe("Europe/Berlin");
    expect(withChange("UTC", "Europe/Atlantis")).toThrow(/silo\.yaml:2:12: .*time zone/);
  });

  test("lets a frontend send only kinds that exist", () => {
    expect(withChange("[refund, limit", "[refund, refunds")).toThrow(/silo\.yaml:\d+:27: .*not among kinds/);
  });

  test("takes a wrong time in the kernel's own spelling only", () => {
    const time = "2027-11-22T12:00:00.000Z";
    expect(withChange("slots: 4", `slots: 4\nwrong_time: ${time}`)().wrong_time).toBe(time);
    for (const other of ["2027-11-22", "2027-11-22T12:00:00Z", "1826884800000", '""'])
      expect(withChange("slots: 4", `slots: 4\nwrong_time: ${other}`)).toThrow(/wrong_time/);
  });

  test("takes no number in words, no port outside, no spare name", () => {
    expect(withChange("slots: 4", "slots: four")).toThrow(/:5:8: /);
    expect(withChange("8443", "65536")).toThrow(/port/);
    expect(withChange("slots: 4", "slots: 4\nslot: 5")).toThrow(/:6:1: .*"slot"/);
    expect(withChange("backoff_ms_max: 30000", "backoff_ms_max: 100")).toThrow(/backoff_ms_max/);
  });
});
