import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Start } from "../../jail/messages.ts";
import { slotUids } from "../../jail/processes.ts";
import {
  connectKernel,
  isolationNames,
  launch,
  processesOf,
  putBundle,
  runCell,
  startJailer,
  startRequest as startRequestOf,
  statusOf,
  type TestJailer,
  terminate,
} from "./jailer.ts";
import { document, type Membrane, openMembrane } from "./membrane.ts";

let jailer: TestJailer;
let membrane: Membrane | undefined;

beforeAll(async () => {
  jailer = await startJailer();
});
afterEach(async () => {
  await membrane?.close();
  membrane = undefined;
});
afterAll(() => jailer.stop());

let isolation: Start["isolation"] = "gvisor";
const run = () => `${jailer.state}/run`;
const bundle = (main: string, more: Record<string, string> = {}) =>
  putBundle(jailer.state, { "main.py": main, ...more });
const startRequest = (bundle: string, over: Partial<Start> = {}) => startRequestOf(bundle, { isolation, ...over });
const STUBBORN = `
import os, signal, silo, time
def run(task):
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP): signal.signal(number, signal.SIG_IGN)
    for _ in range(5):
        if os.fork() == 0: break
    if os.getppid() == 1: silo.call('kv:get', key='up')
    while True: time.sleep(60)
`;

/** A cell that has its task and will not end by itself. */
async function startStubborn(slot: number, over: Partial<Start> = {}) {
  membrane = await openMembrane(run(), slot, document());
  const request = startRequest(bundle(STUBBORN), { slot, ...over });
  const exit = runCell(jailer, request);
  await membrane.until("/v1/call");
  return { cell: request.cell, exit };
}

describe.each(isolationNames)("a cell of isolation %s", (name) => {
  beforeAll(() => {
    isolation = name;
  });

  test("runs the bundle's main.py, and its answer arrives", async () => {
    membrane = await openMembrane(run(), 0, document({ fields: { order: "O1" } }));
    const main = "import silo\ndef run(task):\n    silo.complete('hello', order=task.fields['order'])\n";
    expect(await runCell(jailer, startRequest(bundle(main)))).toMatchObject({
      reason: "exited",
      code: 0,
      signal: null,
    });
    expect(membrane.of("/v1/complete").map(({ body }) => body)).toEqual([{ text: "hello", fields: { order: "O1" } }]);
    expect(processesOf(jailer, 0)).toEqual([]);
  });

  test("runs on the host as users of its slot alone, without capabilities, and cannot gain any", async () => {
    const { cell, exit } = await startStubborn(3);
    const pids = processesOf(jailer, 3);
    const { first, last } = slotUids(3);
    expect(pids.length).toBeGreaterThan(1);
    for (const pid of pids) {
      const status = statusOf(pid);
      const users = `${status["Uid"]}\t${status["Gid"]}`.split("\t").map(Number);
      expect(users.every((user) => user >= first && user <= last)).toBe(true);
      // Whatever it may do, it may do to what belongs to these users.
      for (const map of ["uid_map", "gid_map"]) {
        const [, host = 0, count = 0] = readFileSync(`/proc/${pid}/${map}`, "utf8").trim().split(/\s+/).map(Number);
        expect([host >= first, host + count - 1 <= last]).toEqual([true, true]);
      }
      expect([status["NoNewPrivs"], status["Groups"]?.trim()], status["Name"]).toEqual(["1", ""]);
    }
    await jailer.client.request("kill", { cell });
    await exit;
  });

  test("is gone whole when it is killed, whatever it ignores", async () => {
    const { cell, exit } = await startStubborn(1);
    expect(await jailer.client.request("kill", { cell })).toMatchObject({ end: "done" });
    expect(processesOf(jailer, 1)).toEqual([]);
    expect(await exit).toMatchObject({ reason: "killed" });
  });

  test.each([0, 10, 20, 40, 60, 80, 120])("is gone whole when it is killed %i ms after its start began", async (ms) => {
    membrane = await openMembrane(run(), 1, null);
    const request = startRequest(bundle(""), { slot: 1 });
    const exit = runCell(jailer, request);
    await delay(ms);
    await jailer.client.request("kill", { cell: request.cell });
    expect(processesOf(jailer, 1)).toEqual([]);
    expect(await exit).toMatchObject({ reason: "killed" });
  });

  test("is gone whole at its deadline", async () => {
    const { exit } = await startStubborn(1, { deadline_ms: 6000 });
    const { reason, millis } = await exit;
    expect(reason).toBe("deadline");
    expect(millis).toBeGreaterThanOrEqual(6000);
    expect(processesOf(jailer, 1)).toEqual([]);
  });

  test("is gone whole when the kernel's connection is lost", async () => {
    const kernel = await connectKernel(jailer.state);
    membrane = await openMembrane(run(), 2, document());
    const lost = kernel.request("start", startRequest(bundle(STUBBORN), { slot: 2 }));
    await membrane.until("/v1/call");
    expect(processesOf(jailer, 2)).not.toEqual([]);
    kernel.close();
    expect(await lost).toEqual({ end: "lost" });
    while (processesOf(jailer, 2).length > 0) await delay(10);
  });

  test("that raises ends with a code of its own and no word", async () => {
    membrane = await openMembrane(run(), 0, document());
    const exit = await runCell(jailer, startRequest(bundle("def run(task): raise ValueError(task)")));
    expect(exit).toMatchObject({ reason: "exited", code: 2 });
    expect(membrane.heard.map(({ path }) => path)).toEqual(["/v1/probe", "/v1/wait"]);
  });

  test("touches nothing of its bundle before it has its task", async () => {
    membrane = await openMembrane(run(), 0, null);
    const request = startRequest(bundle("import silo._door as door\ndoor.Door().request('GET', '/v1/touched')"));
    const exit = runCell(jailer, request);
    await membrane.until("/v1/wait");
    await delay(100);
    expect(membrane.of("/v1/touched")).toEqual([]);
    await jailer.client.request("kill", { cell: request.cell });
    await exit;
  });

  test("whose door falls silent while it waits was never offered", async () => {
    membrane = await openMembrane(run(), 0, null);
    const exit = runCell(jailer, startRequest(bundle("")));
    await membrane.until("/v1/wait");
    await membrane.close();
    expect(await exit).toMatchObject({ reason: "failed", code: 4 });
  });

  test("does the same in every run: hash seed, locale and time zone are fixed", async () => {
    const main =
      "import silo, os, time\ndef run(task): silo.complete(f'{hash(\"x\")} {time.tzname} {sorted(os.environ)}')";
    const texts: unknown[] = [];
    for (const slot of [0, 1]) {
      membrane = await openMembrane(run(), slot, document());
      await runCell(jailer, startRequest(bundle(main), { slot }));
      texts.push(membrane.of("/v1/complete")[0]?.body["text"]);
      await membrane.close();
    }
    expect(texts[0]).toContain("('UTC', 'UTC')");
    expect(texts[1]).toBe(texts[0]);
  });
});

describe("a click", () => {
  const tools =
    "import silo\nfrom os import getcwd\ndef show(order: str) -> dict: return {'order': order, 'read': silo.call('order:read')}\ndef _hidden(): pass\n";
  async function click(tool: string, args: Record<string, string>) {
    membrane = await openMembrane(run(), 0, document({ click: { tool, arguments: args } }), ({ capability }) =>
      capability === "order:read" && args["order"] === "O2"
        ? { status: 403, body: { end: "refused", code: "NOT_FOUND", message: "It is not there." } }
        : undefined,
    );
    const main = "raise AssertionError('a click does not run main.py')";
    expect(await runCell(jailer, startRequest(bundle(main, { "tools.py": tools })))).toMatchObject({ code: 0 });
    return membrane.of("/v1/complete")[0]?.body;
  }

  test("runs one function of tools.py and completes with its result", async () => {
    expect(await click("show", { order: "O1" })).toEqual({
      text: '{"order": "O1", "read": {}}',
      fields: { end: "done" },
    });
  });

  test("completes with the code where the membrane refuses", async () => {
    expect(await click("show", { order: "O2" })).toEqual({
      text: "It is not there.",
      fields: { end: "refused", code: "NOT_FOUND" },
    });
  });

  test.each([
    ["a hidden function", "_hidden"],
    ["an imported one", "getcwd"],
    ["one that is not there", "nothing"],
  ])("cannot run %s", async (_, tool) => {
    expect(await click(tool, {})).toMatchObject({ fields: { end: "refused", code: "TOOL_UNKNOWN" } });
  });

  test("with other arguments than the function takes is refused", async () => {
    expect(await click("show", { amount: "1" })).toMatchObject({
      fields: { end: "refused", code: "ARGUMENT_INVALID" },
    });
  });
});

describe("the jailer", () => {
  test("starts no second cell in a slot", async () => {
    const { cell, exit } = await startStubborn(1);
    expect(await runCell(jailer, startRequest(bundle(""), { slot: 1 }))).toMatchObject({ reason: "failed", millis: 0 });
    await jailer.client.request("kill", { cell });
    await exit;
  });

  test.each([
    ["a bundle that is not there", { bundle: "0".repeat(64) }],
    ["a slot without a socket folder", { slot: 99 }],
  ])("ends %s as failed and says why in its log", async (_, over) => {
    expect(await runCell(jailer, startRequest(bundle(""), over))).toMatchObject({ reason: "failed", code: null });
    expect(jailer.log().at(-1)).toMatchObject({ msg: "the cell was not started", why: expect.any(String) });
  });

  test("answers the killing of a cell that is not there: nothing of it is left", async () => {
    expect(await jailer.client.request("kill", { cell: "cell_0000000000000000" })).toEqual({ end: "done", value: {} });
  });

  describe.each(isolationNames)("with cells of isolation %s", (name) => {
    beforeAll(() => {
      isolation = name;
    });

    test("kills its cells and ends when it is asked to stop", async () => {
      const other = await startJailer();
      const there = await openMembrane(`${other.state}/run`, 0, document());
      const end = other.client.request("start", startRequest(putBundle(other.state, { "main.py": STUBBORN })));
      await there.until("/v1/call");
      expect(await terminate(other)).toBe(0);
      expect(other.log().at(-1)).toMatchObject({ msg: "the cell is gone", reason: "killed" });
      expect((await end).end).not.toBe("later");
      await there.close();
      await other.stop();
    });

    test("tears its cells down when it is killed, and a new one sweeps before it serves", async () => {
      const other = await startJailer();
      const there = await openMembrane(`${other.state}/run`, 0, document());
      void other.client.request("start", startRequest(putBundle(other.state, { "main.py": STUBBORN })));
      await there.until("/v1/call");
      const cells = processesOf(other, 0);
      expect(cells).not.toEqual([]);
      other.child.kill("SIGKILL");
      await once(other.child, "exit");
      while (cells.some((pid) => existsSync(`/proc/${pid}`))) await delay(10);
      const again = await launch(other.state);
      expect(again.log().map(({ msg }) => msg)).toContain("a guard is lowered");
      again.child.kill("SIGKILL");
      await there.close();
      await other.stop();
    });
  });
});
