import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exits } from "../../../console/cli/exits.ts";
import { LaunchError } from "../../../console/up/launch-error.ts";
import { launch } from "../../../console/up/running.ts";
import { ConfigError } from "../../../kernel/process/config.ts";

const said: unknown[] = [];
beforeEach(() => void vi.spyOn(console, "error").mockImplementation((line) => void said.push(line)));
afterEach(() => {
  vi.restoreAllMocks();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  said.length = 0;
});

const failing = (error: Error) =>
  launch(async () => {
    throw error;
  });

test("a start that a file of configuration prevents is refused: the same command will be again", async () => {
  expect(await failing(new ConfigError("silo.yaml:1:1: no"))).toBe(exits.refused);
  expect(said).toEqual(["silo: silo.yaml:1:1: no"]);
});

test("a start that the machine prevents now may succeed later", async () => {
  expect(await failing(new LaunchError("the port is taken"))).toBe(exits.later);
});

test("a defect comes out as what it is", async () => {
  await expect(failing(new Error("a defect"))).rejects.toThrow("a defect");
});
