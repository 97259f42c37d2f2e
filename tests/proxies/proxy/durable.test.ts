/** A proxy's durable records: all of a turn or nothing, and an answer only after the disk. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLog } from "../../../kernel/process/log.ts";
import { openDurable } from "../../../proxies/proxy/durable.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-durable-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const log = openLog("test");
log.level = "silent";

/** Runs a module body in a process of its own, with `durable` and `table` at hand; its exit status or signal. */
function inChild(body: string) {
  const from = new URL("../../../", import.meta.url).href;
  const script = `
    import { openLog } from "${from}kernel/process/log.ts";
    import { openDurable } from "${from}proxies/proxy/durable.ts";
    const durable = openDurable(${JSON.stringify(folder)}, openLog("child"));
    const table = durable.table("records");
    ${body}`;
  const { status, signal } = spawnSync(process.execPath, ["--input-type=module", "--eval", script]);
  return status ?? signal;
}

async function stored(): Promise<unknown[]> {
  const durable = openDurable(folder, log);
  const keys = Array.from(durable.table("records").getKeys({}));
  await durable.close();
  return keys;
}

test("what has been answered is there after a kill -9", async () => {
  const body = `
    await Promise.all(["a", "b"].map((key) => durable.commit(() => table.putSync(key, 1))));
    process.kill(process.pid, "SIGKILL");`;
  expect(inChild(body)).toBe("SIGKILL");
  expect(await stored()).toEqual(["a", "b"]);
});

test("work that throws ends the process, and nothing of its turn stays", async () => {
  const body = `
    await durable.commit(() => table.putSync("before", 1));
    durable.commit(() => table.putSync("same turn", 1));
    durable.commit(() => { table.putSync("half", 1); throw new Error("a defect"); });`;
  expect(inChild(body)).toBe(70);
  expect(await stored()).toEqual(["before"]);
});

test("work of one turn sees what earlier work of it wrote", async () => {
  const durable = openDurable(folder, log);
  const table = durable.table<number>("records");
  const count = () =>
    durable.commit(() => {
      const next = (table.get("n") ?? 0) + 1;
      table.putSync("n", next);
      return next;
    });
  expect(await Promise.all([count(), count(), count()])).toEqual([1, 2, 3]);
  await durable.close();
});
