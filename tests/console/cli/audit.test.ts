/** `silo audit`, run as users do: on entries a kernel decided, read through its socket, and on folders it published. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STORY_CHARS_MAX, showStory } from "../../../console/cli/audit-story.ts";
import { runCli } from "../../../console/cli/cli.ts";
import { exits } from "../../../console/cli/exits.ts";
import { consoleToKernel } from "../../../kernel/abi/console-messages.ts";
import { done, refused } from "../../../kernel/abi/ends.ts";
import { readLog } from "../../../kernel/audit/log.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { KEY, type LogWorld, openLogWorld } from "../../kernel/audit/log-world.ts";
import { call, end, lease, openWorld, refund, report, submitTask, type World } from "../../kernel/world.ts";

type Page = { entries: { index: number; entry: Record<string, unknown> }[]; next: number | null };

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "silo-audit-cli-"));
  mkdirSync(`${state}/run/kernel/console`, { recursive: true });
  mkdirSync(`${state}/var/console/people`, { recursive: true });
  writeFileSync(`${state}/var/console/people/admin`, "the secret of admin");
});
afterEach(() => rmSync(state, { recursive: true }));

async function silo(...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    confirm: async () => false,
    env: { SILO_STATE: state },
  };
  return { exit: await runCli(argv, terminal), out: out.join(""), err: err.join("") };
}

describe("silo audit show", () => {
  let world: World;
  let server: Server;
  let asked: number[];
  let tasks: [string, string];

  beforeEach(async () => {
    world = await openWorld();
    asked = [];
    const handlers = Object.fromEntries(
      Object.keys(consoleToKernel).map((name) => [name, () => refused("NOT_PERMITTED")]),
    );
    Object.assign(handlers, {
      sign_in: () => done({ person: "admin", roles: [], administrator: true }),
      audit_show: (query: { task: string | null; from: number; limit: number }) => {
        asked.push(query.limit);
        return done(readLog(world.store, query));
      },
      case_of: ({ customer }: { customer: string }) => {
        const found = world.store.cases.all().find(({ value }) => value.customer === customer);
        return found === undefined ? refused("CASE_UNKNOWN") : done({ case: found.value.case });
      },
    });
    const log = openLog("test");
    log.level = "silent";
    const edge = { from: "console", to: "kernel" } as const;
    server = await listen(edge, consoleToKernel, handlers as unknown as Handlers<typeof consoleToKernel>, {
      run: `${state}/run`,
      log,
    });
    tasks = [worked("tok_00000001", "1"), worked("tok_00000002", "2")];
  });
  afterEach(async () => {
    server.close();
    await world.close();
  });

  /** A refund that was made, one that was over the limit, and the end. */
  function worked(customer: string, n: string): string {
    const task = submitTask(world, {
      customer,
      idempotency: n,
      subject: n.repeat(64),
      case: `case_000000000000000${n}`,
    });
    world.clock.now += 1_000; // after it was asked
    const held = lease(world, task);
    call(world, held, 1, "refund:create", refund(24_750));
    world.clock.now += 250;
    report(world, held, 1);
    call(world, held, 2, "refund:create", refund(70_000));
    end(world, task, { how: "complete", text: "Done.", fields: {} });
    world.clock.now += 1;
    return task;
  }

  const found = async (...argv: string[]): Promise<Page> =>
    JSON.parse((await silo("--json", "audit", "show", ...argv)).out);
  const verbsOf = async (...argv: string[]) => (await found(...argv)).entries.map(({ entry }) => entry["verb"]);

  test("tells one task as a story: who, on whose behalf, under which keys, what was refused and why, how much, how it ended", async () => {
    const { exit, out } = await silo("audit", "show", "--task", tasks[0]);
    expect(exit).toBe(exits.done);
    expect(out).toMatch(/^task {10}task_/);
    for (const line of [
      /asked by +shop, kind refund, /,
      /on behalf of +the customer of case_0000000000000001/,
      /worked by +refund-agent/,
      /money +247\.50 USD/,
      /refused +LIMIT_CALL/,
      /ended +Completed after 1\.25 s/,
      / 0 +0\.00 s +shop +asks for refund; it goes to refund-agent/,
      /begins attempt 1 in cell_\w+, keys \S+ \S+/,
      /step 1 {2}refund:create {2}allowed {2}247\.50 USD/,
      /step 1 {2}refund:create {2}ended done/,
      /step 2 {2}refund:create {2}refused: LIMIT_CALL/,
      /Completed; the task is Completed/,
    ])
      expect(out).toMatch(line);
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(STORY_CHARS_MAX);
  });

  test("finds the entries of a task, a case, a customer's handle, a role, a time, and of several at once", async () => {
    const all = await verbsOf("--task", tasks[0]);
    expect(all).toEqual(["submit", "claim", "intend", "outcome", "intend", "settle"]);
    const withCase = all.filter((verb) => verb !== "expire");
    expect(await verbsOf("--case", "case_0000000000000001")).toEqual(withCase);
    expect(await verbsOf("--customer", "tok_00000001")).toEqual(withCase);
    expect(await verbsOf("--customer", "tok_00000001", "--case", "case_0000000000000002")).toEqual([]);
    expect(await verbsOf("--role", "refund-agent")).toHaveLength(12);
    expect(await verbsOf("--role", "nobody")).toEqual([]);
    const start = new Date(world.clock.now - 1_251).toISOString();
    expect(await verbsOf("--since", start)).toEqual(all);
    expect(await verbsOf("--until", start)).toHaveLength(all.length);
    expect(await verbsOf("--role", "refund-agent", "--since", start, "--task", tasks[1])).toEqual(all);
    expect(await verbsOf("--since", start, "--task", tasks[0])).toEqual([]);
  });

  test("goes through a large log page by page, and says where to go on", async () => {
    const first = await found("--role", "refund-agent", "--limit", "5");
    expect([first.entries.length, first.next]).toEqual([5, 5]);
    const second = await found("--role", "refund-agent", "--limit", "5", "--from", "5");
    expect([second.entries.map(({ index }) => index), second.next]).toEqual([[5, 6, 7, 8, 9], 10]);
    expect(Math.max(...asked)).toBeLessThanOrEqual(1000);
  });

  test.each([[["--since", "yesterday"]], [["--until", "12"]], [["--limit", "0"]], [["--customer", "C0042"]]])(
    "%j is a wrong command line",
    async (argv) => expect((await silo("audit", "show", ...argv)).exit).toBe(exits.usage),
  );

  test("a handle that stands for nobody is refused", async () => {
    expect(await silo("audit", "show", "--customer", "tok_99999999")).toMatchObject({
      exit: exits.refused,
      err: expect.stringContaining("CASE_UNKNOWN"),
    });
  });

  test("the schema it prints is what the entries match", async () => {
    const validate = new Ajv2020({ strictTypes: false }).compile(JSON.parse((await silo("audit", "schema")).out));
    const { entries } = readLog(world.store, { task: null, from: 0, limit: 1000 });
    expect(entries.length).toBe(12);
    expect(entries.filter(({ entry }) => !validate(entry))).toEqual([]);
  });
});

test("a story shows what could steer a terminal, and no line is longer than its bound", () => {
  const who = "\u001b[2J\r\nEvil\u202e".repeat(50);
  const entry = { schema: 1, time: 0, verb: "take", task: "task_0", case: who, assignment: "a", role: "r", who };
  const text = showStory([{ index: 0, leaf: "", entry }]);
  expect(text).toContain("\\u001b[2J\\u000d\\u000aEvil\\u202e");
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBe(STORY_CHARS_MAX);
});

describe("a folder of the log", () => {
  let log: LogWorld;
  beforeEach(async () => {
    log = openLogWorld();
    log.add(300);
    await log.publisher.tend();
  });
  afterEach(() => log.close());

  test("verifies, alone and against an older checkpoint that was kept elsewhere", async () => {
    const kept = await silo("audit", "checkpoint", log.folder, "--key", KEY.verifier);
    expect(kept).toMatchObject({ exit: exits.done, out: expect.stringMatching(/^silo\/test\n300\n/) });
    writeFileSync(join(state, "kept"), kept.out);
    log.add(10);
    await log.publisher.tend();
    const { exit, out, err } = await silo(
      "audit",
      "verify",
      log.folder,
      "--key",
      KEY.verifier,
      "--checkpoint",
      join(state, "kept"),
    );
    expect({ exit, err }).toEqual({ exit: exits.done, err: "" });
    expect(out).toContain("310 entries of the log silo/test: each is in its place under the signed root.");
    expect(out).toContain("They begin with the 300");
  });

  test("whose key comes from the folder itself says nothing about whose log it is, and says so", async () => {
    writeFileSync(join(log.folder, "key"), `${KEY.verifier}\n`);
    const { exit, err } = await silo("audit", "verify", log.folder);
    expect([exit, err]).toEqual([exits.done, expect.stringContaining("says nothing about whose log it is")]);
  });

  test("gives a proof of one entry that needs no log beside it, and that no other key opens", async () => {
    const { exit, out } = await silo("audit", "prove", "7", log.folder, "--key", KEY.verifier);
    expect(exit).toBe(exits.done);
    const proof = join(state, "proof");
    writeFileSync(proof, out);
    expect(await silo("audit", "verify", "--proof", proof, "--key", KEY.verifier)).toMatchObject({
      exit: exits.done,
      out: expect.stringContaining("Entry 7 of 300 is in the log silo/test"),
    });
    expect((await silo("audit", "verify", "--proof", proof)).exit).toBe(exits.usage);
    writeFileSync(proof, out.replace("\n\n", "\nAAAA\n\n"));
    expect((await silo("audit", "verify", "--proof", proof, "--key", KEY.verifier)).exit).toBe(exits.refused);
  });

  test("with one byte changed ends with 3 and a sentence that names the entry", async () => {
    const file = join(log.folder, "tile/entries/000");
    const bytes = readFileSync(file);
    bytes[40] = (bytes[40] as number) ^ 1;
    writeFileSync(file, bytes);
    const whole = await silo("audit", "verify", log.folder, "--key", KEY.verifier);
    expect([whole.exit, whole.err]).toEqual([
      exits.refused,
      expect.stringMatching(/^NOT PROVEN: Entry 0 is not the one in the tree/),
    ]);
    const json = JSON.parse((await silo("--json", "audit", "verify", log.folder, "--key", KEY.verifier)).out);
    expect(json).toMatchObject({ exit: exits.refused, code: "NOT_PROVEN" });
  });

  test.each([
    ["checkpoint", /^NOT PROVEN: .*checkpoint/],
    ["tile/0/000", /^NOT PROVEN: .*tile\/0\/000/],
  ])("without its %s ends with 3 and names it", async (name, sentence) => {
    rmSync(join(log.folder, name));
    const { exit, err } = await silo("audit", "verify", log.folder, "--key", KEY.verifier);
    expect([exit, err]).toEqual([exits.refused, expect.stringMatching(sentence)]);
  });

  test("that is not there, and an entry that is not in it, end with 3; an index that is no number with 2", async () => {
    expect((await silo("audit", "verify", join(state, "nowhere"), "--key", KEY.verifier)).exit).toBe(exits.refused);
    expect((await silo("audit", "prove", "300", log.folder, "--key", KEY.verifier)).exit).toBe(exits.refused);
    expect((await silo("audit", "prove", "seven", log.folder, "--key", KEY.verifier)).exit).toBe(exits.usage);
  });
});
