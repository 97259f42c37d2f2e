import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { later, refused } from "../../../kernel/abi/ends.ts";
import { kernelToDoor } from "../../../kernel/abi/messages.ts";
import { connect } from "../../../kernel/process/connect.ts";
import { FINDINGS_MAX } from "../../../proxies/door/serve.ts";
import { ask, bindBody, CELL, log, makeSigner, membrane, OTHER_CELL, openWorld, raw, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const list = (step = 1) => ({ step, capability: "order:list", arguments: {} });
const call = (headers: Record<string, string>, body: unknown = list(), slot = 0) =>
  ask(world.run, slot, "POST", "/v1/call", body, headers);

describe("a cell", () => {
  test("gets its task and keys as the answer to its waiting call, and not before it is bound", async () => {
    const expected = world.toDoor.request("expect", { slot: 0, cell: CELL });
    await expect
      .poll(() => ask(world.run, 0, "GET", "/v1/probe").catch(() => null))
      .toEqual({ status: 200, body: { slot: 0 } });
    const waited = ask(world.run, 0, "POST", "/v1/wait", {});
    expect(await expected).toEqual({ end: "done", value: {} });
    let isAnswered = false;
    void waited.then(() => {
      isAnswered = true;
    });
    await sleep(50);
    expect(isAnswered).toBe(false);
    const body = bindBody(0, CELL, await world.baseKey(), await world.taskKey());
    expect(await world.toDoor.request("bind", body)).toEqual({ end: "done", value: {} });
    expect(await waited).toEqual({
      status: 200,
      body: { task: body.document, base_key: body.base_key, task_key: body.task_key },
    });
  });

  test("is not ready before it was probed, even while it waits", async () => {
    const expected = world.toDoor.request("expect", { slot: 0, cell: CELL }, 200);
    await sleep(20);
    void ask(world.run, 0, "POST", "/v1/wait", {}).catch(() => null);
    expect(await expected).toEqual({ end: "lost" });
  });

  test("that lost its task's answer gets it again", async () => {
    const headers = await world.bound();
    const again = await ask(world.run, 0, "POST", "/v1/wait", {});
    expect(again.body["task_key"]).toBe(headers["Silo-Task-Key"]);
  });

  test("calls through kernel and vault, in that order, and gets the tokenised result", async () => {
    const order: string[] = [];
    const { intend } = world.kernel;
    world.kernel.intend = (body, peer) => {
      order.push("intend");
      return intend(body, peer);
    };
    world.vault.call = () => {
      order.push("call");
      return { end: "done", value: { value: [{ order: "O1", name: "[NAME_1]" }] } };
    };
    const headers = await world.bound();
    expect(await call(headers)).toEqual({
      status: 200,
      body: { end: "done", value: [{ order: "O1", name: "[NAME_1]" }] },
    });
    expect(order).toEqual(["intend", "call"]);
    const asked = { cell: CELL, step: 1, capability: "order:list", arguments: {} };
    expect(world.heard.intend).toEqual([{ ...asked, assignment: "asgn_0000000000000001", epoch: 7 }]);
    expect(world.heard.call).toEqual([{ ...asked, permit: expect.anything(), replay: null, stand_in: false }]);
    expect(world.heard.finding).toEqual([]);
  });

  test("hands its end to the kernel", async () => {
    const headers = await world.bound();
    const done = { status: 200, body: { end: "done", value: {} } };
    const complete = { text: "Dear [NAME_1]", fields: { refund: "R1", amount: 1, ok: true, none: null } };
    expect(await ask(world.run, 0, "POST", "/v1/complete", complete, headers)).toEqual(done);
    const escalate = { reason: "LIMIT_CALL", recommendation: "Refund it.", facts: { order: "O1" } };
    expect(await ask(world.run, 0, "POST", "/v1/escalate", escalate, headers)).toEqual(done);
    const of = { cell: CELL, assignment: "asgn_0000000000000001", epoch: 7 };
    expect(world.heard.end).toEqual([
      { ...of, ending: { how: "complete", ...complete } },
      { ...of, ending: { how: "escalate", ...escalate } },
    ]);
  });

  test("may have many calls in flight, each with its own answer", async () => {
    world.vault.call = async ({ step }) => {
      await sleep(step % 7);
      return { end: "done", value: { value: step } };
    };
    const headers = await world.bound();
    const steps = Array.from({ length: 32 }, (_, at) => at + 1);
    const replies = await Promise.all(steps.map((step) => call(headers, list(step))));
    expect(replies.map(({ body }) => body["value"])).toEqual(steps);
  });
});

describe("an ending beyond the door", () => {
  test("that is a refusal reaches the cell as it is, and is no finding: the kernel knows it", async () => {
    const headers = await world.bound();
    world.kernel.intend = () => refused("LIMIT_CALL", "limit left: 120.00 USD; escalate for more");
    const limited = { end: "refused", code: "LIMIT_CALL", message: "limit left: 120.00 USD; escalate for more" };
    expect(await call(headers)).toEqual({ status: 403, body: limited });
    expect(world.heard.call).toEqual([]);
    expect(world.heard.finding).toEqual([]);
  });

  test("that is later reaches the cell as later, from the kernel or the vault", async () => {
    const headers = await world.bound();
    world.vault.call = () => later("The proxy is away.");
    expect(await call(headers)).toEqual({ status: 503, body: { end: "later", message: "The proxy is away." } });
    world.kernel.intend = () => later("The disk is full.");
    expect(await call(headers)).toEqual({ status: 503, body: { end: "later", message: "The disk is full." } });
  });
});

describe("a refusal decided at the door", () => {
  const cases: [string, unknown, string, object][] = [
    [
      "an undeclared capability",
      { ...list(), capability: "order:burn" },
      "CAPABILITY_UNKNOWN",
      { capability: null, step: 1 },
    ],
    [
      "the vault's own operation",
      { ...list(), capability: "customer:known" },
      "CAPABILITY_UNKNOWN",
      { capability: "customer:known" },
    ],
    [
      "a capability not granted",
      { ...list(), capability: "email:send" },
      "CAPABILITY_NOT_GRANTED",
      { capability: "email:send" },
    ],
    [
      "an unknown argument",
      { ...list(), arguments: { customer: "C0043" } },
      "ARGUMENT_INVALID",
      { capability: "order:list" },
    ],
    ["a spare field", { ...list(), customer: "C0043" }, "MALFORMED", { capability: null, step: null }],
    ["step 0", list(0), "MALFORMED", {}],
    ["a duplicate member", '{"step":1,"step":2,"capability":"order:list","arguments":{}}', "MALFORMED", {}],
    ["what is not JSON", "{", "MALFORMED", {}],
    ["an array", [list()], "MALFORMED", {}],
  ];

  test.each(cases)("of %s is written down before the cell hears it", async (_, body, code, finding) => {
    const headers = await world.bound();
    const written = Promise.withResolvers<void>();
    world.kernel.finding = async () => {
      await written.promise;
      return { end: "done", value: {} };
    };
    let isAnswered = false;
    const reply = call(headers, body).finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => world.heard.finding.length).toBe(1);
    await sleep(30);
    expect(isAnswered).toBe(false);
    written.resolve();
    expect(await reply).toMatchObject({ status: 403, body: { end: "refused", code } });
    expect(world.heard.finding).toMatchObject([{ cell: CELL, code, detail: "refused at the door", ...finding }]);
    expect(world.heard.intend).toEqual([]);
  });

  test("is later as long as the kernel cannot write it down", async () => {
    const headers = await world.bound();
    world.kernel.finding = () => later("The log cannot be written.");
    expect(await call(headers, "{")).toMatchObject({ status: 503, body: { end: "later" } });
  });

  test("never carries a word of the cell's into the log", async () => {
    const headers = await world.bound();
    const word = "maria@example.com";
    await call(headers, { ...list(), capability: `${word}:x` });
    await call(headers, { ...list(), capability: "secret:word" });
    await call(headers, { ...list(), arguments: { [word]: word } });
    await call(headers, { ...list(), [word]: 1 });
    await ask(world.run, 0, "POST", `/v1/${word}`, {}, headers);
    await call({ ...headers, Authorization: `Bearer ${word}` });
    expect(world.heard.finding).toHaveLength(6);
    expect(JSON.stringify(world.heard.finding)).not.toMatch(/maria|secret/);
  });

  test(`is taken ${FINDINGS_MAX} times from one cell; then its connections end`, async () => {
    const headers = await world.bound();
    for (let count = 1; count < FINDINGS_MAX; count++) await call(headers, "{");
    expect(await call(headers)).toMatchObject({ status: 200 });
    await call(headers, "{").catch(() => null);
    await expect(call(headers)).rejects.toThrow();
    expect(world.heard.finding).toHaveLength(FINDINGS_MAX);
  });
});

describe("a key", () => {
  async function refusal(headers: Record<string, string>, slot = 0): Promise<unknown> {
    const { status, body } = await call(headers, list(), slot);
    expect(status).toBe(403);
    expect(world.heard.intend).toEqual([]);
    expect(world.heard.finding.at(-1)?.code).toBe(body["code"]);
    return body["code"];
  }

  test("of another cell is refused on this cell's socket, and the other way round", async () => {
    const mine = await world.bound(0, CELL);
    const others = await world.bound(1, OTHER_CELL);
    expect(await refusal(others, 0)).toBe("KEY_MISMATCH");
    expect(await refusal(mine, 1)).toBe("KEY_MISMATCH");
  });

  test("is refused before anything was bound to the slot", async () => {
    const keys = { Authorization: `Bearer ${await world.baseKey()}`, "Silo-Task-Key": await world.taskKey() };
    void world.toDoor.request("expect", { slot: 0, cell: CELL });
    await sleep(20);
    expect(await refusal(keys)).toBe("KEY_MISMATCH");
  });

  test("that is missing, swapped, forged or of another signer is refused", async () => {
    const headers = await world.bound();
    const [base, task] = [headers["Authorization"] ?? "", headers["Silo-Task-Key"] ?? ""];
    const forged = `${task.split(".").slice(0, 2).join(".")}.${"A".repeat(86)}`;
    const attempts: Record<string, string>[] = [
      {},
      { Authorization: base },
      { "Silo-Task-Key": task },
      { Authorization: base.slice(7), "Silo-Task-Key": task },
      { Authorization: `Bearer ${task}`, "Silo-Task-Key": base.slice(7) },
      { Authorization: base, "Silo-Task-Key": forged },
      { Authorization: base, "Silo-Task-Key": `${task}=` },
      { Authorization: `bearer ${base.slice(7)}`, "Silo-Task-Key": task },
      { Authorization: base, "Silo-Task-Key": `${task}, ${task}` },
    ];
    for (const attempt of attempts) expect(await refusal(attempt)).toBe("KEY_INVALID");
    world.signers.task = { ...(await makeSigner()), kid: world.signers.task.kid };
    expect(await refusal({ Authorization: base, "Silo-Task-Key": await world.taskKey() })).toBe("KEY_INVALID");
  });

  test("that has expired is refused as expired", async () => {
    const headers = await world.bound();
    const past = Math.floor(Date.now() / 1000) - 600;
    const expired = await world.taskKey({ iat: past, nbf: past, exp: past + 599 });
    expect(await refusal({ ...headers, "Silo-Task-Key": expired })).toBe("KEY_EXPIRED");
  });

  test("of an earlier attempt is refused", async () => {
    const headers = await world.bound();
    expect(await refusal({ ...headers, "Silo-Task-Key": await world.taskKey({ epoch: 6 }) })).toBe("KEY_MISMATCH");
  });

  test("no longer verifies once its signing key was taken away, cached or not", async () => {
    const headers = await world.bound();
    expect((await call(headers)).status).toBe(200);
    world.heard.intend.length = 0;
    const fresh = await makeSigner();
    await world.toDoor.request("keys", { issuer: "silo-test", base: [fresh.jwk], task: [fresh.jwk] });
    expect(await refusal(headers)).toBe("KEY_INVALID");
  });
});

describe("the kernel", () => {
  test("cannot bind a cell that does not wait, another cell, or keys that say something else", async () => {
    const [base, task] = [await world.baseKey(), await world.taskKey()];
    const bind = (body: ReturnType<typeof bindBody>) => world.toDoor.request("bind", body);
    expect(await bind(bindBody(0, CELL, base, task))).toMatchObject({ end: "later" });
    void world.toDoor.request("expect", { slot: 0, cell: CELL });
    await sleep(20);
    expect(await bind(bindBody(0, CELL, base, task))).toMatchObject({ end: "later" });
    expect(await bind(bindBody(0, OTHER_CELL, base, await world.taskKey({ cell: OTHER_CELL })))).toMatchObject({
      end: "later",
    });
    expect(await bind(bindBody(0, CELL, base, await world.taskKey({ epoch: 8 })))).toMatchObject({ end: "later" });
    expect(await bind(bindBody(0, CELL, base, `${task}x`))).toMatchObject({ end: "later" });
    expect(await bind(bindBody(99, CELL, base, task))).toMatchObject({ end: "later" });
  });

  test("cannot bind a cell that did more than wait, though it waits", async () => {
    const [base, task] = [await world.baseKey(), await world.taskKey()];
    const ready = world.toDoor.request("expect", { slot: 0, cell: CELL });
    await expect.poll(() => ask(world.run, 0, "GET", "/v1/probe").catch(() => null)).not.toBe(null);
    void ask(world.run, 0, "POST", "/v1/wait", {}).catch(() => null);
    expect(await ready).toMatchObject({ end: "done" });
    expect((await call({}, "{")).status).toBe(403);
    expect(await world.toDoor.request("bind", bindBody(0, CELL, base, task))).toMatchObject({ end: "later" });
  });

  test("ends a cell: its socket is gone and its held call with it", async () => {
    const headers = await world.bound();
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof later>>();
    world.kernel.intend = () => promise;
    const held = call(headers).catch(() => "hung up");
    await expect.poll(() => world.heard.intend.length).toBe(1);
    expect(await world.toDoor.request("end", { slot: 0, cell: CELL })).toEqual({ end: "done", value: {} });
    expect(await held).toBe("hung up");
    expect(existsSync(`${world.run}/cells/0/membrane`)).toBe(false);
    resolve(later("Nobody hears this."));
    await expect(call(headers)).rejects.toThrow();
  });

  test("ends no cell that has another name", async () => {
    const headers = await world.bound();
    await world.toDoor.request("end", { slot: 0, cell: OTHER_CELL });
    expect((await call(headers)).status).toBe(200);
  });

  test("puts the next cell into a slot whose old connections are gone and whose old keys are void", async () => {
    const old = await world.bound(0, CELL);
    const connection = raw(membrane(world.run, 0), ["GET /v1/probe HTTP/1.1\r\nHost: x\r\n\r\n"], 2000);
    await sleep(30);
    await world.toDoor.request("end", { slot: 0, cell: CELL });
    expect(await connection).toMatch(/<closed>$/);
    const fresh = await world.bound(0, OTHER_CELL);
    expect(await call(old)).toMatchObject({ body: { code: "KEY_MISMATCH" } });
    expect(await call(fresh)).toMatchObject({ status: 200 });
  });

  test("takes its cells along when its connection ends", async () => {
    const connected = Promise.withResolvers<void>();
    const at = { run: world.run, log };
    const second = connect({ from: "kernel", to: "door" }, kernelToDoor, { ...at, onConnect: connected.resolve });
    await connected.promise;
    const expected = second.request("expect", { slot: 2, cell: OTHER_CELL });
    const mine = await world.bound(0, CELL);
    await expect.poll(() => ask(world.run, 2, "GET", "/v1/probe").catch(() => null)).not.toBeNull();
    second.close();
    expect(await expected).toEqual({ end: "lost" });
    await expect.poll(() => ask(world.run, 2, "GET", "/v1/probe").catch(() => "gone")).toBe("gone");
    expect((await call(mine)).status).toBe(200);
  });
});

test("the door finishes the call in hand when it is told to stop, and says later to the next", async () => {
  const { promise, resolve } = Promise.withResolvers<{ end: "done"; value: { value: number } }>();
  world.vault.call = () => promise;
  const headers = await world.bound();
  const held = call(headers);
  await expect.poll(() => world.heard.call.length).toBe(1);
  const stopped = world.stop();
  expect(await call(headers)).toMatchObject({ status: 503, body: { end: "later" } });
  resolve({ end: "done", value: { value: 1 } });
  expect(await held).toMatchObject({ status: 200, body: { value: 1 } });
  await stopped;
});
