/** The console's edge over a real socket: one connection, one person. Dispatch stands in only where a cell would be started. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CALL_BYTES_MAX, UNSETTLED_MS } from "../../kernel/abi/bounds.ts";
import { consoleToKernel } from "../../kernel/abi/console-messages.ts";
import { edges } from "../../kernel/abi/edges.ts";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { ValueOf } from "../../kernel/abi/messages.ts";
import { makeSignIn } from "../../kernel/abi/signin.ts";
import { consoleHandlers } from "../../kernel/admin.ts";
import { openAgents } from "../../kernel/agents.ts";
import { logSize, readLog } from "../../kernel/audit/log.ts";
import { note } from "../../kernel/core.ts";
import { LISTED_REASON_CHARS_MAX, openDesk } from "../../kernel/desk.ts";
import { record } from "../../kernel/journal.ts";
import { type People, readPeople } from "../../kernel/people.ts";
import { type Client, connect, type Lost } from "../../kernel/process/connect.ts";
import { listen } from "../../kernel/process/listen.ts";
import { openLog } from "../../kernel/process/log.ts";
import { openShadow } from "../../kernel/shadows.ts";
import { openSignIns } from "../../kernel/signins.ts";
import { BUNDLE, call, end, lease, NOON, openWorld, refund, report, submitTask, type World } from "./world.ts";

type Console = Client<typeof consoleToKernel>;
type Page = End<ValueOf<typeof consoleToKernel, "audit_show">> | Lost;

const source = join(import.meta.dirname, "../..");
const edge = { from: "console", to: "kernel" } as const;
const log = openLog("test");
log.level = "silent";
const cells = {
  slots: { total: 4, used: 1 },
  pool: { taken: 3, cold: 1, waiting: [{ role: "hello", cells: 2 }] },
  halted: { check: "has_no_network", cell: "cell_0000000000000000", since: NOON },
};
const resumed: string[] = [];
const clicked: { task: string; person: string; tool: string }[] = [];
/** What was asked of keys.ts, which has a test of its own. */
const changed: string[] = [];
let stored: Record<string, string>;
let world: World;
let root: string;
let server: Server;
let woken: number;
const open: Console[] = [];

beforeAll(async () => {
  const names = ["maria", "otto", "admin"];
  const made = names.map(
    async (name, n) => [name, await makeSignIn(`secret of ${name}`, Buffer.alloc(16, n))] as const,
  );
  stored = Object.fromEntries(await Promise.all(made));
});

beforeEach(async () => {
  world = await openWorld();
  root = mkdtempSync(join(tmpdir(), "admin-"));
  for (const { from, to } of edges) mkdirSync(join(root, "run", to, from), { recursive: true });
  for (const folder of ["agents", "bundles"]) mkdirSync(join(root, folder));
  cpSync(join(source, "agents/hello"), join(root, "agents/hello"), { recursive: true });
  const { operations } = world.core;
  const shipped = readPeople({ etc: join(source, "config"), var: root }, operations);
  const otto = { person: "otto", roles: ["other-role"], administrator: false };
  const people: People = { ...shipped, people: new Map([...shipped.people, ["otto", otto]]) };
  woken = 0;
  const dispatch = {
    wake: () => void woken++,
    state: () => cells,
    resume: async (who: string) => resumed.push(who) > 0,
    click: async (task: string, click: { person: string; tool: string }) => {
      clicked.push({ task, person: click.person, tool: click.tool });
      return done({ text: "clicked", fields: {} });
    },
  };
  const agents = openAgents(world.core, { state: root, people, operations });
  const desk = openDesk(
    world.core,
    {
      ...dispatch,
      compare: async (comparison) => refused("TASK_STATE", `${comparison.mode} ${comparison.role.bundle}`),
    },
    { settled: () => undefined },
    agents.stage,
  );
  const handlers = consoleHandlers(world.core, {
    desk,
    keys: {
      list: () => ({ signing: [], live: [] }),
      rotate: async (kind, who) => {
        changed.push(`rotate ${kind} ${who}`);
        return done({ kid: "k".repeat(43) });
      },
      revoke: async (of, who) => {
        changed.push(`revoke ${of} ${who}`);
        return done({ keys: [], tasks: [] });
      },
      share: async () => undefined,
      tend: async () => undefined,
    },
    agents,
    people,
    signIn: openSignIns(people, stored),
    appliance: {
      version: "0",
      mode: "trial",
      started: 1,
      lowered: ["No TPM."],
      peers: () => ({ door: true }),
      stopped: () => null,
      rotateLog: async (who) => {
        changed.push(`rotate log ${who}`);
        return done({ kid: "c".repeat(43) });
      },
      cosign: async (brought, who) => {
        changed.push(`cosign ${brought} ${who}`);
        return done({ taken: [] });
      },
      auditLog: () => ({ published: 0, key: "", fault: null }),
    },
  });
  server = await listen(edge, consoleToKernel, handlers, { run: join(root, "run"), log });
});
afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  server.close();
  clicked.length = 0;
  resumed.length = 0;
  changed.length = 0;
  await world.close();
  rmSync(root, { recursive: true, force: true });
});

async function connection(): Promise<Console> {
  const ready = Promise.withResolvers<void>();
  const client = connect(edge, consoleToKernel, { run: join(root, "run"), log, onConnect: ready.resolve });
  open.push(client);
  await ready.promise;
  return client;
}

async function signedIn(person: string): Promise<Console> {
  const client = await connection();
  expect(await client.request("sign_in", { person, secret: `secret of ${person}` })).toMatchObject({ end: "done" });
  return client;
}

/** A task that waits for a refund manager. */
function escalated(): string {
  const task = submitTask(world);
  lease(world, task);
  end(world, task, { how: "escalate", reason: "too much", recommendation: "refund", facts: {} });
  return task;
}

const all = { state: null, role: null, dead: false, limit: 100 } as const;
const NOBODY = "task_0000000000000000";
const digest = "0".repeat(64);
const messages: [keyof typeof consoleToKernel, object][] = [
  ["status", {}],
  ["task_list", all],
  ["task_show", { task: NOBODY }],
  ["task_take", { task: NOBODY }],
  ["task_call", { task: NOBODY, tool: "f", arguments: {} }],
  ["task_finish", { task: NOBODY, text: "", fields: {} }],
  ["task_decide", { task: NOBODY, assignment: null, step: 1, decision: "did-not" }],
  ["task_return", { task: NOBODY }],
  ["task_replay", { task: NOBODY }],
  ["task_try", { task: NOBODY, role: null }],
  ["agent_list", {}],
  ["agent_approve", { role: "hello", folder: digest }],
  ["agent_offline", { role: "hello" }],
  ["agent_online", { role: "hello" }],
  ["cells_resume", {}],
  ["keys_list", {}],
  ["keys_rotate", { kind: "base" }],
  ["keys_revoke", { of: "hello" }],
  ["case_of", { customer: "tok_00000000" }],
  ["audit_show", { task: null, from: 0, limit: 10 }],
  ["audit_cosign", { note: "n" }],
];

const entries = () => readLog(world.store, { task: null, from: 0, limit: 1000 }).entries.map(({ entry }) => entry);

describe("a shadow and a try", () => {
  test("are an administrator's: who is compared does not see the agent's run", async () => {
    const task = submitTask(world);
    lease(world, task);
    end(world, task, { how: "escalate", reason: "r", recommendation: "", facts: {} });
    const { assignment } = world.store.tasks.get(task) ?? expect.fail("no task");
    world.store.transaction(() => openShadow(world.store, task, assignment, "refund-agent", 1));
    const [admin, maria] = [await signedIn("admin"), await signedIn("maria")];
    expect(await admin.request("task_show", { task })).toMatchObject({
      value: { shadow: { state: "due", run: null } },
    });
    expect(await maria.request("task_show", { task })).toMatchObject({ end: "done", value: { shadow: null } });
    expect(await maria.request("task_try", { task, role: null })).toMatchObject({ code: "NOT_PERMITTED" });
  });

  test("the folder that waits is tried, else the approved bundle; none that cannot be approved", async () => {
    const task = submitTask(world, { kind: "hello", customer: null, subject: null });
    const admin = await signedIn("admin");
    const tried = () => admin.request("task_try", { task, role: null });
    const lines = await admin.request("agent_list", {});
    const folder = lines.end === "done" ? lines.value.agents.find(({ role }) => role === "hello")?.folder : null;
    expect(await tried()).toMatchObject({ code: "TASK_STATE", message: `try ${folder}` });
    expect(readdirSync(join(root, "bundles"))).toEqual([folder]);
    writeFileSync(join(root, "agents/hello/policy.yaml"), "role: [");
    expect(await tried()).toMatchObject({ code: "POLICY_INVALID" });
    rmSync(join(root, "agents/hello"), { recursive: true });
    expect(await tried()).toMatchObject({ message: `try ${BUNDLE}` });
    expect(world.store.roles.get("hello")?.approved).toBe(BUNDLE);
  });
});

describe("a connection", () => {
  test("on which nobody has signed in may do nothing", async () => {
    expect(messages.map(([name]) => name).toSorted()).toEqual(
      Object.keys(consoleToKernel)
        .filter((name) => name !== "sign_in")
        .toSorted(),
    );
    const client = await connection();
    for (const [name, body] of messages) {
      expect(await client.request(name, body as never), name).toMatchObject({ code: "SIGN_IN_REQUIRED" });
    }
    expect(clicked).toEqual([]);
  });

  test("is one person's; another connection is not", async () => {
    await signedIn("admin");
    expect(await (await connection()).request("agent_list", {})).toMatchObject({ code: "SIGN_IN_REQUIRED" });
  });

  test("is nobody's again after a failed attempt", async () => {
    const client = await signedIn("admin");
    expect(await client.request("sign_in", { person: "admin", secret: "wrong" })).toMatchObject({
      code: "SIGN_IN_FAILED",
    });
    expect(await client.request("agent_list", {})).toMatchObject({ code: "SIGN_IN_REQUIRED" });
  });

  test("is nobody's while an attempt is under way, and after it failed beside one that did not", async () => {
    const client = await signedIn("maria");
    const good = client.request("sign_in", { person: "admin", secret: "secret of admin" });
    const bad = client.request("sign_in", { person: "admin", secret: "wrong" });
    expect(await client.request("status", {})).toMatchObject({ code: "SIGN_IN_REQUIRED" });
    expect(await good).toMatchObject({ end: "done" });
    expect(await bad).toMatchObject({ end: "refused" });
    expect(await client.request("status", {})).toMatchObject({ code: "SIGN_IN_REQUIRED" });
  });

  test("leaves each sign-in in the log, and never a name that nobody has", async () => {
    const client = await signedIn("maria");
    await client.request("sign_in", { person: "maria", secret: "wrong" });
    await client.request("sign_in", { person: "hunter2", secret: "maria" });
    expect(entries()).toMatchObject([
      { verb: "sign_in", who: "maria", decision: "allowed" },
      { verb: "sign_in", who: "maria", decision: "refused", code: "SIGN_IN_FAILED" },
      { verb: "sign_in", decision: "refused", code: "SIGN_IN_FAILED" },
    ]);
    expect(JSON.stringify(entries())).not.toMatch(/hunter2|wrong|secret of/);
  });
});

describe("what is refused", () => {
  test("is in the log with who asked for what, and with nothing that was typed", async () => {
    const task = escalated();
    const otto = await signedIn("otto");
    await otto.request("keys_revoke", { of: "hunter2" });
    await otto.request("task_show", { task });
    await otto.request("task_show", { task: NOBODY });
    expect(entries().filter(({ verb }) => verb === "refusal")).toMatchObject([
      { who: "otto", asked: "keys_revoke", code: "NOT_PERMITTED" },
      { who: "otto", asked: "task_show", code: "TASK_UNKNOWN", task },
      { who: "otto", asked: "task_show", code: "TASK_UNKNOWN" },
    ]);
    expect(JSON.stringify(entries())).not.toMatch(new RegExp(`hunter2|${NOBODY}`));
  });

  test("is no entry where nobody has signed in", async () => {
    const client = await connection();
    expect(await client.request("agent_list", {})).toMatchObject({ code: "SIGN_IN_REQUIRED" });
    expect(entries()).toEqual([]);
  });
});

describe("a person", () => {
  test("sees and works the tasks of the own roles", async () => {
    const task = escalated();
    const maria = await signedIn("maria");
    expect(await maria.request("task_list", all)).toMatchObject({
      value: { tasks: [{ task, role: "refund-manager" }] },
    });
    expect(await maria.request("task_take", { task })).toMatchObject({ value: { line: { person: "maria" } } });
    expect(await maria.request("task_call", { task, tool: "refund", arguments: {} })).toMatchObject({
      value: { text: "clicked" },
    });
    expect(clicked).toEqual([{ task, person: "maria", tool: "refund" }]);
    expect(await maria.request("audit_show", { task, from: 0, limit: 100 })).toMatchObject({ end: "done" });
    expect(await maria.request("task_finish", { task, text: "Done.", fields: {} })).toMatchObject({
      value: { line: { state: "ended", event: "Completed" } },
    });
    expect(
      entries()
        .filter(({ who }) => who === "maria")
        .map(({ verb }) => verb),
    ).toEqual(["sign_in", "take", "finish"]);
  });

  test("reads in the log of a task what was done, and nothing of a run beside it", async () => {
    const task = escalated();
    world.store.transaction(() => {
      for (const mode of ["shadow", "try"] as const)
        note(world.core, "intend", { mode, task, step: 1, arguments: "a".repeat(64), decision: "allowed" });
    });
    const asked = { task, from: 0, limit: 100 };
    const modes = async (person: string) => {
      const page: Page = await (await signedIn(person)).request("audit_show", asked);
      return page.end === "done" ? page.value.entries.flatMap(({ entry }) => entry["mode"] ?? []) : page;
    };
    expect(await modes("maria")).toEqual([]);
    expect(await modes("admin")).toEqual(["shadow", "try"]);
  });

  test("does not learn that other tasks exist", async () => {
    const tasks = [escalated(), submitTask(world)];
    const otto = await signedIn("otto");
    expect(await otto.request("task_list", all)).toMatchObject({ value: { tasks: [] } });
    for (const task of [...tasks, NOBODY]) {
      for (const [name, body] of messages.filter(([, body]) => "task" in body && body.task === NOBODY)) {
        expect(await otto.request(name, { ...body, task } as never), name).toEqual({
          end: "refused",
          code: "TASK_UNKNOWN",
          message: "No such task exists.",
        });
      }
      expect(await otto.request("audit_show", { task, from: 0, limit: 10 })).toMatchObject({ code: "TASK_UNKNOWN" });
    }
    expect(clicked).toEqual([]);
  });

  test("decides nothing about roles and keys and does not read the whole log", async () => {
    const maria = await signedIn("maria");
    const administrators = /^(agent|keys)_|^audit_|^case_of$/;
    for (const [name, body] of messages.filter(([name]) => administrators.test(name))) {
      expect(await maria.request(name, body as never), name).toMatchObject({ code: "NOT_PERMITTED" });
    }
    expect(world.store.roles.get("hello")?.online).toBe(true);
    expect(changed).toEqual([]);
  });
});

describe("what nobody can tell", () => {
  test("is decided by the person who took the task, and the task goes back to the agent", async () => {
    const task = submitTask(world);
    const claimed = lease(world, task);
    call(world, claimed, 1, "refund:create", refund(100));
    report(world, claimed, 1, { end: "unknown", value: null });
    end(world, task);
    const decide = { task, assignment: null, step: 1, decision: "did-not" } as const;
    const [maria, admin] = [await signedIn("maria"), await signedIn("admin")];
    expect(await admin.request("task_show", { task })).toMatchObject({
      value: { unknown: [{ role: "refund-agent", step: 1, capability: "refund:create" }] },
    });
    for (const [name, body] of [["task_decide", decide] as const, ["task_return", { task }] as const]) {
      expect(await admin.request(name, body as never), name).toMatchObject({ code: "NOT_PERMITTED" });
      expect(await maria.request(name, body as never), name).toMatchObject({ code: "TASK_STATE" });
    }
    await maria.request("task_take", { task });
    expect(await maria.request("task_return", { task })).toMatchObject({ code: "TASK_STATE" });
    world.clock.now += UNSETTLED_MS;
    expect(await maria.request("task_decide", decide)).toMatchObject({ value: { line: { person: "maria" } } });
    const before = woken;
    expect(await maria.request("task_return", { task })).toMatchObject({
      value: { line: { state: "ready", role: "refund-agent", person: null } },
    });
    expect(woken).toBe(before + 1);
    const did = entries().filter(({ who, verb }) => who === "maria" && verb !== "refusal");
    expect(did.map(({ verb }) => verb)).toEqual(["sign_in", "take", "decide", "return"]);
  });
});

describe("an administrator", () => {
  test("sees every task and works none without its role", async () => {
    const task = escalated();
    const admin = await signedIn("admin");
    expect(await admin.request("task_show", { task })).toMatchObject({ end: "done" });
    for (const name of ["task_take", "task_call", "task_finish"] as const) {
      const body = { task, tool: "f", arguments: {}, text: "", fields: {} };
      const { tool, arguments: given, text, fields } = body;
      const sent = {
        task_take: { task },
        task_call: { task, tool, arguments: given },
        task_finish: { task, text, fields },
      };
      expect(await admin.request(name, sent[name] as never), name).toMatchObject({ code: "NOT_PERMITTED" });
    }
    expect(clicked).toEqual([]);
  });

  test("approves what was shown; dispatch hears of it, the log says who", async () => {
    const admin = await signedIn("admin");
    const listed = await admin.request("agent_list", {});
    const folder = listed.end === "done" ? listed.value.agents.find(({ role }) => role === "hello")?.folder : null;
    const before = woken;
    expect(await admin.request("agent_approve", { role: "hello", folder: folder ?? "" })).toMatchObject({
      value: { agent: { state: "online", bundle: folder } },
    });
    expect(woken).toBe(before + 1);
    expect(entries().at(-1)).toMatchObject({ verb: "agent_approve", who: "admin", role: "hello", bundle: folder });
    expect(await admin.request("agent_approve", { role: "hello", folder: digest })).toMatchObject({
      code: "BUNDLE_INVALID",
    });
    expect(woken).toBe(before + 1);
  });

  test("lets cells be started again, in the own name; other people do not", async () => {
    const [admin, maria] = [await signedIn("admin"), await signedIn("maria")];
    expect(await maria.request("cells_resume", {})).toMatchObject({ code: "NOT_PERMITTED" });
    expect(await admin.request("cells_resume", {})).toEqual({ end: "done", value: { resumed: true } });
    expect(resumed).toEqual(["admin"]);
  });

  test("changes keys in the own name", async () => {
    const admin = await signedIn("admin");
    expect(await admin.request("keys_list", {})).toMatchObject({ value: { signing: [], live: [] } });
    expect(await admin.request("keys_rotate", { kind: "task" })).toMatchObject({ value: { kid: "k".repeat(43) } });
    expect(await admin.request("keys_revoke", { of: "hello" })).toMatchObject({ end: "done" });
    expect(changed).toEqual(["rotate task admin", "revoke hello admin"]);
  });

  test("sees how the appliance stands", async () => {
    escalated();
    const admin = await signedIn("admin");
    expect(await admin.request("status", {})).toMatchObject({
      value: {
        mode: "trial",
        lowered: ["No TPM."],
        tasks: { waiting: 1, ready: 0 },
        ...cells,
        peers: { door: true },
      },
    });
  });
});

describe("whatever is in the store or on the connection, what crosses fits into a frame", () => {
  const long = "語".repeat(4096);

  test("a task whose calls carry more than a frame is shown, its oldest calls left out and counted", async () => {
    const task = submitTask(world);
    const claimed = lease(world, task);
    const entry = {
      capability: "kv:set",
      digest,
      proxy: "kv",
      epoch: 1,
      at: 1,
      reserved: [],
      outcome: null,
      effect: "write" as const,
    };
    world.store.transaction(() => {
      for (let step = 1; step <= 1200; step++)
        record(
          world.store,
          { task, assignment: claimed.lease.assignment, step },
          { ...entry, arguments: { value: long } },
        );
    });
    const shown = await (await signedIn("admin")).request("task_show", { task });
    const { journal } = shown.end === "done" ? shown.value : { journal: [] };
    expect(journal.at(-1)).toMatchObject({ step: 1200, arguments: { value: long } });
    const [first, second] = journal;
    expect(Number(first?.["left_out"])).toBe(Number(second?.["step"]) - 1);
    expect(journal.length).toBeGreaterThan(100);
  });

  test("a list of tasks shows the beginning of each reason, the task itself the whole", async () => {
    for (let n = 0; n < 700; n++) {
      const task = submitTask(world);
      lease(world, task);
      end(world, task, { how: "escalate", reason: long, recommendation: "", facts: {} });
    }
    const maria = await signedIn("maria");
    const listed = await maria.request("task_list", { ...all, limit: 1000 });
    const lines = listed.end === "done" ? listed.value.tasks : [];
    expect(lines).toHaveLength(700);
    expect(lines[0]?.reason?.length).toBe(LISTED_REASON_CHARS_MAX);
    const whole = await maria.request("task_show", { task: lines[0]?.task ?? "" });
    expect(whole).toMatchObject({ value: { line: { reason: long } } });
  });

  test("a page of the log ends early rather than over a frame, and says where to go on", async () => {
    const tokens = Array.from({ length: 1024 }, (_, n) => `[ADDRESS_${100_000 + n}]`);
    world.store.transaction(() => {
      const place = { task: NOBODY, assignment: `asgn_${"0".repeat(16)}`, step: 1 };
      for (let n = 0; n < 700; n++) note(world.core, "outcome", { ...place, tokens });
    });
    const admin = await signedIn("admin");
    const seen: number[] = [];
    for (let from: number | null = 0; from !== null; ) {
      const page: Page = await admin.request("audit_show", { task: null, from, limit: 1000 });
      if (page.end !== "done") throw new Error(page.end);
      seen.push(...page.value.entries.map(({ index }) => index));
      from = page.value.next;
    }
    expect(seen).toEqual(Array.from({ length: logSize(world.store) }, (_, index) => index));
  });

  test.each([
    ["task_finish", (value: string) => ({ text: "", fields: { value } })],
    ["task_call", (value: string) => ({ tool: "read_order", arguments: { value } })],
  ] as const)("a person says no more at once than an agent may: %s", async (message, body) => {
    const task = escalated();
    const maria = await signedIn("maria");
    await maria.request("task_take", { task });
    const chars = (over: number) => "x".repeat(CALL_BYTES_MAX - JSON.stringify(body("")).length + over);
    const ask = (value: string) => maria.request(message, { task, ...body(value) } as never);
    expect(await ask(chars(1))).toMatchObject({ end: "refused", code: "TOO_LARGE" });
    expect(await ask(chars(0))).toMatchObject({ end: "done" });
  });
});
