/** The one order of starting: what goes wrong before a process serves ends it, with a status that says which kind it is. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url).href;

/** Starts a process as any user but its own, with this as its `open`; status and log. */
function startWith(open: string) {
  const script = `
    import { ConfigError } from "${root}kernel/process/config.ts";
    import { startProcess } from "${root}kernel/process/start.ts";
    await startProcess("kv", ${open});
    console.log("it serves");`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  return { status, log: stdout };
}

test("a process that is not sealed does not serve", () => {
  const { status, log } = startWith(`async () => ({ status: "ready", stop: async () => {} })`);
  expect(status).toBe(77);
  expect(log).toMatch(/Not sealed\. .*The user is not 708/);
  expect(log).not.toContain("it serves");
});

test("configuration that cannot be used is said in a sentence", () => {
  const { status, log } = startWith(`async () => { throw new ConfigError("The credential permit is missing."); }`);
  expect(status).toBe(78);
  expect(log).toContain("The credential permit is missing.");
});

test("anything else is a defect", () => {
  expect(startWith(`async () => { throw new Error("unforeseen"); }`).status).toBe(70);
});
