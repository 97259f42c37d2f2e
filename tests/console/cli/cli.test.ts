import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "../../../console/cli/cli.ts";
import { exits } from "../../../console/cli/exits.ts";
import { showTried } from "../../../console/cli/run.ts";
import { showTask } from "../../../console/cli/task.ts";
import { type AgentLine, consoleToKernel, type TaskLine } from "../../../kernel/abi/console-messages.ts";
import { done, later, refused } from "../../../kernel/abi/ends.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";

const FOLDER = "a".repeat(64);
const line: TaskLine = {
  ...{
    task: "task_0123456789abcdef",
    case: "case_0123456789abcdef",
    kind: "refund",
    state: "waiting",
    role: "refund-manager",
    person: "maria",
  },
  ...{ event: null, reason: "UNKNOWN_OUTCOME", attempts: 0, created: 0, updated: 0 },
};
const agent: AgentLine = {
  role: "refund-agent",
  state: "pending",
  bundle: null,
  folder: FOLDER,
  asks: { "order:read": [] },
  granted: null,
  isolation: { asked: "gvisor", approved: null },
  problem: null,
};

let state: string;
let server: Server | undefined;
let asked: { message: string; body: unknown }[];

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "cli-"));
  asked = [];
  mkdirSync(`${state}/run/kernel/console`, { recursive: true });
  mkdirSync(`${state}/var/console/people`, { recursive: true });
  writeFileSync(`${state}/var/console/people/admin`, "the secret of admin");
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(state, { recursive: true });
});

/** A kernel at the other end of the real socket that answers what a test says; everything else is refused. */
async function serve(answers: Partial<Handlers<typeof consoleToKernel>>): Promise<void> {
  const handlers = Object.fromEntries(
    Object.keys(consoleToKernel).map((message) => [
      message,
      (body: never, peer: never) => {
        asked.push({ message, body });
        const answer = answers[message as keyof typeof consoleToKernel];
        if (message === "sign_in" && answer === undefined)
          return done({ person: "admin", roles: [], administrator: true });
        return answer === undefined ? refused("NOT_PERMITTED") : answer(body, peer);
      },
    ]),
  ) as unknown as Handlers<typeof consoleToKernel>;
  const log = openLog("test");
  log.level = "silent";
  server = await listen({ from: "console", to: "kernel" }, consoleToKernel, handlers, { run: `${state}/run`, log });
}

async function silo(argv: string[], confirm: (question: string) => Promise<boolean> = async () => false) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    confirm,
    env: { SILO_STATE: state },
  };
  const exit = await runCli(argv, terminal);
  return { exit, out: out.join(""), err: err.join("") };
}

describe("the exit status", () => {
  test("of a done command is 0, and the person signed in first", async () => {
    await serve({ agent_list: () => done({ agents: [agent] }) });
    const { exit, out } = await silo(["agent", "list"]);
    expect({ exit, out }).toEqual({
      exit: exits.done,
      out: expect.stringContaining("silo agent approve refund-agent"),
    });
    expect(asked[0]).toEqual({ message: "sign_in", body: { person: "admin", secret: "the secret of admin" } });
  });

  test.each([
    [["frob"]],
    [["task"]],
    [["task", "list", "nowhere"]],
    [["audit", "show", "--limit", "0"]],
    [["submit"]],
    [[]],
  ])("of %j is 2: usage", async (argv) => expect((await silo(argv)).exit).toBe(exits.usage));

  test("of help is 0", async () => {
    const { exit, out } = await silo(["--help"]);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.stringContaining("Exit status:") });
  });

  test("of a silo.yaml that cannot be read is 3, with the place of the fault and without a word of a defect", async () => {
    mkdirSync(`${state}/var/config`);
    writeFileSync(`${state}/var/config/silo.yaml`, "slots: many\n");
    const { exit, err } = await silo(["submit", "hello"]);
    expect({ exit, err }).toEqual({ exit: exits.refused, err: expect.stringContaining("/config/silo.yaml:1:") });
    expect(err).not.toMatch(/defect|\n./);
    const json = JSON.parse((await silo(["--json", "submit", "hello"])).out);
    expect(json).toMatchObject({ exit: exits.refused, code: null });
  });

  test("of a refused command is 3, with the code", async () => {
    await serve({ sign_in: () => refused("SIGN_IN_FAILED") });
    const { exit, err } = await silo(["status"]);
    expect({ exit, err }).toEqual({ exit: exits.refused, err: expect.stringContaining("SIGN_IN_FAILED") });
  });

  test("of one the kernel has no time for is 4", async () => {
    await serve({ status: () => later("The log cannot be written.") });
    expect(await silo(["status"])).toMatchObject({ exit: exits.later, err: expect.stringContaining("Try again") });
  });

  test("of one whose connection breaks is 4, and it says that nobody knows", async () => {
    await serve({
      status: () => {
        for (const socket of sockets) socket.destroy();
        return done({} as never);
      },
    });
    const sockets: import("node:net").Socket[] = [];
    server?.on("connection", (socket) => sockets.push(socket));
    expect(await silo(["status"])).toMatchObject({ exit: exits.later, err: expect.stringContaining("may or may not") });
  });

  test("without a running SiloOS is 4, and it says how to start one", async () => {
    const { exit, err } = await silo(["status"]);
    expect({ exit, err }).toEqual({ exit: exits.later, err: expect.stringContaining("Start it with: npm start") });
  });

  test("of a person nobody knows is 2", async () => {
    await serve({});
    expect(await silo(["--as", "nobody", "status"])).toMatchObject({ exit: exits.usage });
    expect(await silo(["--as", "../admin", "status"])).toMatchObject({ exit: exits.usage });
    expect(asked).toEqual([]);
  });
});

describe("--json", () => {
  test("prints one value for a done command", async () => {
    await serve({ agent_list: () => done({ agents: [agent] }) });
    expect(JSON.parse((await silo(["agent", "list", "--json"])).out)).toEqual({ agents: [agent] });
  });

  test("prints one value for one that is not", async () => {
    await serve({});
    const { out, err } = await silo(["--json", "agent", "list"]);
    expect(JSON.parse(out)).toMatchObject({ exit: exits.refused, code: "NOT_PERMITTED" });
    expect(err).toBe("");
  });
});

describe("agent approve", () => {
  const approve = (body: { folder: string }) =>
    done({ agent: { ...agent, state: "online" as const, bundle: body.folder, granted: agent.asks } });
  const approvals = () => asked.filter(({ message }) => message === "agent_approve");

  test("shows what is asked for, asks, and approves exactly that digest", async () => {
    await serve({ agent_list: () => done({ agents: [agent] }), agent_approve: approve });
    const { exit, err } = await silo(["agent", "approve", "refund-agent"], async () => true);
    expect(exit).toBe(exits.done);
    expect(err).toContain("order:read");
    expect(approvals()).toEqual([{ message: "agent_approve", body: { role: "refund-agent", folder: FOLDER } }]);
  });

  test("approves nothing without a yes", async () => {
    await serve({ agent_list: () => done({ agents: [agent] }), agent_approve: approve });
    expect((await silo(["agent", "approve", "refund-agent"])).exit).toBe(exits.refused);
    expect(approvals()).toEqual([]);
  });

  test("does not ask with --yes", async () => {
    await serve({ agent_list: () => done({ agents: [agent] }), agent_approve: approve });
    expect((await silo(["agent", "approve", "refund-agent", "--yes"])).exit).toBe(exits.done);
    expect(approvals()).toHaveLength(1);
  });

  test("of an invalid folder says why", async () => {
    const problem = { code: "POLICY_INVALID", message: "policy.yaml:3:7: unknown key" };
    const invalid = { ...agent, state: "invalid" as const, asks: null, problem };
    await serve({ agent_list: () => done({ agents: [invalid] }), agent_approve: approve });
    expect(await silo(["agent", "approve", "refund-agent", "--yes"])).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("policy.yaml:3:7"),
    });
    const { out } = await silo(["agent", "approve", "refund-agent", "--yes", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ exit: exits.refused, code: "POLICY_INVALID" });
    expect(approvals()).toEqual([]);
  });

  test("of an agent that is not there names those that are", async () => {
    await serve({ agent_list: () => done({ agents: [agent] }) });
    expect(await silo(["agent", "approve", "nobody"])).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("refund-agent"),
    });
  });
});

test("task list asks for what the words say", async () => {
  await serve({ task_list: () => done({ tasks: [] }) });
  await silo(["task", "list", "waiting", "--role", "refund-manager", "--limit", "7"]);
  expect(asked[1]?.body).toEqual({ state: "waiting", role: "refund-manager", dead: false, limit: 7 });
});

test("task call hands over the fields of the click", async () => {
  await serve({ task_call: () => done({ text: "", fields: { refund: "R1" } }) });
  const { out } = await silo(["task", "call", "task_0123456789abcdef", "refund", "order=O1", "amount:=70000"]);
  expect(out).toBe("refund = R1\n");
  expect(asked[1]?.body).toEqual({
    task: "task_0123456789abcdef",
    tool: "refund",
    arguments: { order: "O1", amount: 70_000 },
  });
});

describe("task decide and return", () => {
  const task = "task_0123456789abcdef";

  test("send what was typed", async () => {
    await serve({ task_decide: () => done({ line }), task_return: () => done({ line }) });
    expect((await silo(["task", "decide", task, "3", "did-not"])).exit).toBe(exits.done);
    expect((await silo(["task", "decide", task, "3", "happened", "--assignment", "asgn_0123456789abcdef"])).exit).toBe(
      0,
    );
    expect((await silo(["task", "return", task])).out).toContain(task);
    expect(asked.filter(({ message }) => message !== "sign_in").map(({ body }) => body)).toEqual([
      { task, step: 3, decision: "did-not", assignment: null },
      { task, step: 3, decision: "happened", assignment: "asgn_0123456789abcdef" },
      { task },
    ]);
  });

  test.each([[["3", "perhaps"]], [["0", "happened"]], [["10001", "happened"]], [["x", "happened"]], [["3"]]])(
    "%j is a slip",
    async (words) => expect((await silo(["task", "decide", task, ...words])).exit).toBe(exits.usage),
  );

  test("task show says what nobody can tell, and what to type", () => {
    const call = { role: "refund-agent", capability: "email:send" };
    const document = {
      ...{ task, case: line.case, kind: "refund", role: "refund-manager", customer: null, fields: {}, text: "" },
      ...{ mode: "live" as const, now: 0, first_step: 1, history: [], click: null },
    };
    const show = (over: Partial<TaskLine>, steps: [number, string][]) =>
      showTask({
        ...{ line: { ...line, ...over }, document, journal: [], result: null, shadow: null },
        unknown: steps.map(([step, assignment]) => ({ ...call, step, assignment })),
      });
    const one = show({}, [[3, "asgn_0000000000000001"]]);
    expect(one).toContain(`step 3  email:send  of refund-agent: silo task decide ${task} 3 happened|did-not\n`);
    expect(one).toContain(`silo task return ${task}`);
    expect(one).not.toContain("take it first");
    expect(show({ person: null }, [[3, "asgn_0000000000000001"]])).toContain(`silo task take ${task}`);
    const two = show({}, [
      [3, "asgn_0000000000000001"],
      [3, "asgn_0000000000000002"],
    ]);
    expect(two).toContain("happened|did-not --assignment asgn_0000000000000002");
    expect(show({}, [])).not.toContain("nobody can tell");
  });
});

test("task replay shows what differs side by side", async () => {
  const deed = (amount: number) => ({ what: "refund:create", digest: FOLDER, arguments: { amount } });
  const difference = { step: 2, recorded: deed(100), made: deed(200) };
  await serve({ task_replay: () => done({ role: "refund-agent", calls: 1, same: false, difference }) });
  const { out } = await silo(["task", "replay", "task_0123456789abcdef"]);
  expect(out).toMatch(/step 2 differs[\s\S]*recorded[\s\S]*100[\s\S]*now[\s\S]*200/);
});

describe("a run that is not live", () => {
  const task = "task_0123456789abcdef";
  const made = { step: 2, capability: "refund:create", arguments: { amount: 200 }, outcome: "recorded" as const };
  const no = { step: 3, capability: "email:send", arguments: {}, outcome: "refused" as const };
  const calls = [
    { ...made, code: null, message: null },
    { ...no, code: "LIMIT_TASK", message: "Too many." },
  ];
  const ending = { how: "complete", said: { text: "Dear [NAME_1]\u001b[2J", fields: { paid: 1 } } };
  const tried = {
    role: "refund-agent",
    bundle: FOLDER,
    approved: false,
    calls,
    ending,
    compared: true,
    difference: null,
  };

  test("is shown with its calls, its refusals and its ending, and what differs", async () => {
    const difference = { step: 2, recorded: null, made: { what: "refund:create", digest: FOLDER, arguments: {} } };
    await serve({ task_try: () => done({ ...tried, difference }) });
    const { out, exit } = await silo(["task", "try", task, "--agent", "refund-agent"]);
    expect(exit).toBe(exits.done);
    expect(asked.at(-1)?.body).toEqual({ task, role: "refund-agent" });
    expect(out).toMatch(/refund-agent, the folder that waits for approval \(\w{12}\), made 2 calls\. Nothing was done/);
    expect(out).toContain('step 2  refund:create  recorded  {"amount":200}');
    expect(out).toContain("step 3  email:send  refused (LIMIT_TASK: Too many.)");
    expect(out).toContain("ends: complete\n  text: Dear [NAME_1]\\u001b[2J");
    expect(out).toMatch(/Different from what was recorded: step 2\.[\s\S]*recorded\n {2}nothing\n\nnow/);
  });

  test("says when it did the same, and when there is nothing to compare with", () => {
    expect(showTried({ ...tried, approved: true })).toMatch(/the approved folder[\s\S]*The same calls as recorded\.$/);
    expect(showTried({ ...tried, compared: false })).toContain("did not have this task");
  });

  test("says of another end that what stands in for an effect may be all there is to it", () => {
    const difference = { step: null, recorded: null, made: null };
    const reason = /differs for that alone\.$/;
    expect(showTried({ ...tried, difference })).toMatch(reason);
    expect(showTried({ ...tried, difference, calls: [] })).not.toMatch(reason);
    expect(showTried({ ...tried, difference: { ...difference, step: 2 } })).not.toMatch(reason);
  });

  test("in shadow is shown with the task", () => {
    const document = {
      ...{ task, case: line.case, kind: "refund", role: "refund-manager", customer: null, fields: {}, text: "" },
      ...{ mode: "live" as const, now: 0, first_step: 1, history: [], click: null },
    };
    const shown = { line, document, journal: [], result: null, unknown: [] };
    const show = (state: "due" | "ran" | "given up", run: object | null) =>
      showTask({ ...shown, shadow: { role: "refund-agent", state, run } } as Parameters<typeof showTask>[0]);
    expect(show("due", null)).toContain("in shadow: refund-agent\n  It has not run yet.");
    expect(show("given up", null)).toContain("It did not come to run.");
    expect(show("ran", { calls, ending })).toContain("in shadow: refund-agent, of which nothing was done\n  step 2");
  });
});

test("a tool that was refused is a refused command", async () => {
  const fields = { end: "refused", code: "LIMIT_CALL" };
  await serve({ task_call: () => done({ text: "Over the limit.", fields }) });
  const { exit, err } = await silo(["task", "call", "task_0123456789abcdef", "refund"]);
  expect({ exit, err }).toEqual({ exit: exits.refused, err: "Refused (LIMIT_CALL): Over the limit.\n" });
});

test("a malformed id never leaves the command line as a violation", async () => {
  await serve({});
  expect(await silo(["task", "show", "nonsense"])).toMatchObject({ exit: exits.usage });
});

test("firewall apply changes nothing without a yes, and says what a yes would do", async () => {
  const questions: string[] = [];
  const no = async (question: string) => questions.push(question) === 0;
  expect(await silo(["firewall", "apply"], no)).toMatchObject({
    exit: exits.usage,
    err: expect.stringContaining("--yes"),
  });
  expect(questions).toEqual([expect.stringContaining("NOTHING ELSE")]);
});

describe("keys", () => {
  const KID = "k".repeat(43);
  const TASK = "task_0123456789abcdef";
  const signing = { kid: KID, kind: "base" as const, made: 1, since: 1, until: null, live: 1 };
  const key = {
    key: "0123456789abcdef",
    kind: "base" as const,
    kid: KID,
    role: "hello",
    sub: "maria",
    made: 1,
    until: 2,
  };

  test("list shows what signs and verifies, and every key with its role and tasks", async () => {
    const found = { signing: [signing, { ...signing, until: 5, live: 0 }], live: [{ ...key, tasks: [TASK] }] };
    await serve({ keys_list: () => done(found) });
    const { exit, out } = await silo(["keys", "list"]);
    expect(exit).toBe(exits.done);
    expect(out).toMatch(/SIGNING KEY +FOR[\s\S]*k{43} +base[\s\S]*it signs[\s\S]*0123456789abcdef +base +hello +maria/);
    expect(JSON.parse((await silo(["keys", "list", "--json"])).out)).toEqual(found);
  });

  test("list says so when no cell holds any", async () => {
    await serve({ keys_list: () => done({ signing: [signing], live: [] }) });
    expect((await silo(["keys", "list"])).out).toContain("No cell holds a key now.");
  });

  test("rotate takes base or task and nothing else", async () => {
    await serve({ keys_rotate: () => done({ kid: KID }) });
    expect(await silo(["keys", "rotate", "task"])).toMatchObject({
      exit: exits.done,
      out: expect.stringContaining(KID),
    });
    expect(asked[1]).toEqual({ message: "keys_rotate", body: { kind: "task" } });
    expect((await silo(["keys", "rotate", "both"])).exit).toBe(exits.usage);
    expect((await silo(["keys", "rotate"])).exit).toBe(exits.usage);
  });

  test("revoke names what is void and which tasks start again", async () => {
    await serve({ keys_revoke: () => done({ keys: [key.key], tasks: [TASK] }) });
    const { exit, out } = await silo(["keys", "revoke", "hello"]);
    expect({ exit, out }).toEqual({ exit: exits.done, out: expect.stringContaining(TASK) });
    expect(asked[1]).toEqual({ message: "keys_revoke", body: { of: "hello" } });
  });

  test("revoke of what nobody has is refused", async () => {
    await serve({ keys_revoke: () => refused("KEY_UNKNOWN") });
    expect(await silo(["keys", "revoke", "x"])).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("KEY_UNKNOWN"),
    });
  });

  test("help says what each does", async () => {
    expect((await silo(["keys", "--help"])).out).toMatch(/list[\s\S]*rotate[\s\S]*revoke/);
  });
});
