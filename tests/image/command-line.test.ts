import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine } from "../../image/command-line.ts";
import { CHECKOUT } from "./run.ts";

const shipped = () => commandLine(readFileSync(join(CHECKOUT, "image/cmdline"), "utf8")).split(" ");

test("options stand in their order, without their reasons", () => {
  expect(commandLine("# about\na=1    # one\n\nb  # two\n")).toBe("a=1 b");
});

test.each(["a=1", "a=1 #", "a=1 b=2  # two", "a=1 # "])(
  "a line that is not an option and its reason is refused: %s",
  (line) => {
    expect(() => commandLine(line)).toThrow("is not an option and its reason");
  },
);

test.each([
  "lockdown=integrity",
  "module.sig_enforce=1",
  "systemd.import_credentials=no",
  "systemd.verity_root_options=panic-on-corruption",
])("the shipped one has %s", (option) => {
  expect(shipped()).toContain(option);
});

test("the shipped one opens no shell and takes no file system from outside", () => {
  expect(shipped().filter((option) => /^(init|rd\.break|systemd\.debug|systemd\.unit|root)\b/.test(option))).toEqual(
    [],
  );
});
