/** The kv proxy as its own process, sealed, over its real socket. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";

let kv: ProxyProcess;
beforeAll(async () => {
  kv = await startProxyProcess("kv");
});
afterAll(() => kv.end());

test("it serves permitted calls and refuses the others", async () => {
  const terms = { capability: "kv:increment", task: "task_00000000000000k1" };
  expect(await kv.act(terms, { key: "n", by: 2 })).toEqual(done({ result: { value: 2 } }));
  expect(await kv.act(terms, { key: "n", by: 2 }, { values: { key: "n", by: 3 } })).toMatchObject({
    code: "PERMIT_INVALID",
  });
  expect(await kv.act({ ...terms, mode: "try" }, { key: "n", by: 2 })).toMatchObject({ code: "MODE_NOT_LIVE" });
  expect(await kv.decide(terms, { key: "n", by: 2 })).toEqual(done({ decided: "happened", result: { value: 2 } }));
});

test("a read has nothing to decide", async () => {
  expect(await kv.decide({ capability: "kv:get" }, { key: "k" })).toEqual(done({ decided: "void", result: null }));
});

test("an answer is on disk before it leaves: kill -9 at any time loses none and repeats none", async () => {
  const terms = (step: number) => ({ capability: "kv:increment", task: "task_00000000000000k2", step });
  const counted = { key: "crash", by: 1 };
  let confirmed = 0;
  for (let round = 0; round < 5; round++) {
    const steps = Array.from({ length: 20 }, (_, at) => round * 20 + at + 1);
    const asked = steps.map((step) => kv.act(terms(step), counted));
    await asked[round * 3];
    const killed = kv.kill9();
    const ends = await Promise.all(asked);
    await killed;
    confirmed += ends.filter(({ end }) => end === "done").length;
    await kv.restart();
    for (const step of steps) expect(await kv.act(terms(step), counted)).toMatchObject({ end: "done" });
  }
  expect(confirmed).toBeGreaterThan(0);
  const zero = { ...terms(1000), task: "task_00000000000000k3" };
  expect(await kv.act(zero, { key: "crash", by: 0 })).toEqual(done({ result: { value: 100 } }));
});

test("a result larger than a call may return is refused", async () => {
  const value = "x".repeat(32_000);
  const terms = (step: number) => ({ capability: "kv:push", task: "task_00000000000000k4", step });
  for (let step = 1; step <= 9; step++)
    await kv.act(terms(step), { list: "large", value: "text" }, { values: { list: "large", value } });
  const range = (to: number) => kv.act({ capability: "kv:range" }, { list: "large", from: 0, to });
  expect(await range(8)).toMatchObject({ end: "done" });
  expect(await range(9)).toMatchObject({ code: "RESULT_TOO_LARGE" });
});

test("no value and no key is in its log", () => {
  expect(kv.log()).toContain("PERMIT_INVALID");
  expect(kv.log()).not.toMatch(/crash|xxxx/);
});

test("told to stop, it ends with status 0 within its time", async () => {
  expect(await kv.stop()).toBe(0);
  await kv.restart();
});
