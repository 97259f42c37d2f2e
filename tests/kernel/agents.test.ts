import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentLine } from "../../kernel/abi/console-messages.ts";
import type { End } from "../../kernel/abi/ends.ts";
import type { Isolation } from "../../kernel/abi/messages.ts";
import { AGENT_FOLDERS_MAX, type Agents, openAgents } from "../../kernel/agents.ts";
import { readLog } from "../../kernel/audit/log.ts";
import { readFolder } from "../../kernel/folder.ts";
import { readPeople } from "../../kernel/people.ts";
import { openRoles, type Roles } from "../../kernel/roles.ts";
import { openWorld, type World } from "./world.ts";

const source = join(import.meta.dirname, "../..");
let world: World;
let state: string;
let agents: Agents;
let roles: Roles;

beforeEach(async () => {
  world = await openWorld();
  world.store.transaction(() => {
    for (const { key } of world.store.roles.all()) world.store.roles.remove(key);
  });
  state = mkdtempSync(join(tmpdir(), "agents-"));
  for (const folder of ["agents", "bundles", "config"]) mkdirSync(join(state, folder));
  const { operations } = world.core;
  const people = readPeople({ etc: join(source, "config"), var: state }, operations);
  agents = openAgents(world.core, { state, people, operations });
  roles = openRoles(world.store, people, "nspawn");
});
afterEach(async () => {
  await world.close();
  rmSync(state, { recursive: true, force: true });
});

/** Drops the shipped agent folder, as an administrator would. */
function drop(role = "refund-agent"): string {
  cpSync(join(source, "agents/refund-agent"), join(state, "agents", role), { recursive: true });
  return join(state, "agents", role);
}

function linesOf(agents: Agents): AgentLine[] {
  const end = agents.list();
  if (end.end !== "done") throw new Error(JSON.stringify(end));
  return end.value;
}

function line(role: string, of = agents): AgentLine {
  const found = linesOf(of).find((one) => one.role === role);
  if (found === undefined) throw new Error(`${role} is not listed.`);
  return found;
}

/** The same approvals after an administrator changed silo.yaml. */
function withWeakest(weakest_isolation: Isolation): { agents: Agents; roles: Roles } {
  const { core, store } = world;
  const people = readPeople({ etc: join(source, "config"), var: state }, core.operations);
  const settings = { ...core.settings, cells: { weakest_isolation } };
  return {
    agents: openAgents({ ...core, settings }, { state, people, operations: core.operations }),
    roles: openRoles(store, people, weakest_isolation),
  };
}

async function approveShown(role: string): Promise<End<AgentLine>> {
  return agents.approve(role, line(role).folder ?? "", "admin");
}

const verbs = () => readLog(world.store, { task: null, from: 0, limit: 100 }).entries.map(({ entry }) => entry);

describe("an agent folder", () => {
  test("waits for approval, shows what it asks for, and may do nothing yet", () => {
    drop();
    expect(line("refund-agent")).toMatchObject({ state: "pending", bundle: null, granted: null, problem: null });
    expect(line("refund-agent").asks?.["refund:create"]).toContainEqual({
      measure: "amount",
      scope: "call",
      unit: "USD",
      max: 50_000,
    });
    expect(roles.active("refund-agent")).toBeNull();
    expect(roles.online("refund-agent")).toBe(false);
  });

  test("approved is online with exactly what was shown, and the log says who did it", async () => {
    drop();
    const shown = line("refund-agent");
    expect(await approveShown("refund-agent")).toMatchObject({
      end: "done",
      value: { state: "online", bundle: shown.folder, granted: shown.asks },
    });
    expect(roles.active("refund-agent")).toMatchObject({
      bundle: shown.folder,
      grant: shown.asks,
      approved_by: "admin",
    });
    expect(roles.online("refund-agent")).toBe(true);
    expect(readFolder(join(state, "bundles", shown.folder ?? ""))).toMatchObject({ value: { digest: shown.folder } });
    expect(verbs()).toMatchObject([
      { verb: "agent_approve", who: "admin", role: "refund-agent", bundle: shown.folder },
    ]);
  });

  test("that changed after it was shown is not approved", async () => {
    const folder = drop();
    const shown = line("refund-agent").folder ?? "";
    writeFileSync(join(folder, "main.py"), "import os\n");
    expect(await agents.approve("refund-agent", shown, "admin")).toMatchObject({ code: "BUNDLE_INVALID" });
    expect(roles.active("refund-agent")).toBeNull();
    expect(verbs()).toEqual([]);
  });

  test("that changes after it was approved runs as it was until it is approved again", async () => {
    const folder = drop();
    await approveShown("refund-agent");
    const before = roles.active("refund-agent");
    writeFileSync(join(folder, "main.py"), "import os\n");
    expect(line("refund-agent")).toMatchObject({ state: "pending", bundle: before?.bundle });
    expect(roles.active("refund-agent")).toEqual(before);
    await approveShown("refund-agent");
    expect(roles.active("refund-agent")?.bundle).toBe(line("refund-agent").folder);
  });

  test("that becomes one that cannot be approved says so and still runs as it was", async () => {
    const folder = drop();
    await approveShown("refund-agent");
    symlinkSync("/etc/shadow", join(folder, "templates/shadow"));
    expect(line("refund-agent")).toMatchObject({
      state: "invalid",
      problem: { code: "BUNDLE_INVALID", message: "templates/shadow is a link or a special file." },
    });
    expect(roles.online("refund-agent")).toBe(true);
  });

  test("under another name than its policy says is not approved", async () => {
    drop("other-agent");
    expect(line("other-agent")).toMatchObject({
      state: "invalid",
      problem: { code: "POLICY_INVALID", message: expect.stringContaining("refund-agent") },
    });
    expect(await agents.approve("other-agent", "0".repeat(64), "admin")).toMatchObject({ code: "POLICY_INVALID" });
  });

  test("with the name of a role of people is not approved", async () => {
    drop("refund-manager");
    expect(line("refund-manager")).toMatchObject({ state: "invalid" });
    expect(await approveShown("refund-manager")).toMatchObject({ code: "BUNDLE_INVALID" });
  });

  test("whose policy is broken says where, plainly", () => {
    const folder = drop();
    writeFileSync(join(folder, "policy.yaml"), "role: refund-agent\ncapabilities: { \u001b[2Jx: {} }\n");
    expect(line("refund-agent").problem?.message).toMatch(/^policy\.yaml:2:/);
    expect(line("refund-agent").problem?.message).toMatch(/^[\x20-\x7e]*$/);
    writeFileSync(join(folder, "policy.yaml"), Buffer.from([0xff, 0xfe]));
    expect(line("refund-agent").problem?.message).toBe("policy.yaml is not UTF-8.");
  });

  test("shows what its cells are held by: gVisor where it says nothing, and what changes by an approval", async () => {
    const policy = join(drop(), "policy.yaml");
    const asked = readFileSync(policy, "utf8");
    expect(line("refund-agent").isolation).toEqual({ asked: "gvisor", approved: null });
    await approveShown("refund-agent");
    expect(roles.active("refund-agent")).toMatchObject({ isolation: "gvisor" });
    writeFileSync(policy, `${asked}isolation: nspawn\n`);
    expect(line("refund-agent").isolation).toEqual({ asked: "nspawn", approved: "gvisor" });
    expect(line("refund-manager").isolation).toEqual({ asked: null, approved: null });
  });

  test("that asks for a weaker isolation than silo.yaml allows is not approved, and one that was approved does not run", async () => {
    appendFileSync(join(drop(), "policy.yaml"), "isolation: nspawn\n");
    await approveShown("refund-agent");
    await approveShown("refund-manager");
    const strict = withWeakest("gvisor");
    expect(line("refund-agent", strict.agents)).toMatchObject({
      state: "invalid",
      problem: { code: "POLICY_INVALID", message: expect.stringContaining("none weaker than gvisor") },
    });
    const { folder } = line("refund-agent");
    expect(await strict.agents.approve("refund-agent", folder ?? "", "admin")).toMatchObject({
      code: "POLICY_INVALID",
    });
    expect(strict.roles.online("refund-agent")).toBe(false);
    expect(strict.roles.active("refund-agent")).toBeNull();
    // People click in cells as their tools' role would get them.
    expect(strict.roles.active("refund-manager")).toBeNull();
    expect(roles.active("refund-agent")).not.toBeNull();
  });

  test("is never reached by a role's name that is a path", async () => {
    drop();
    for (const role of ["../agents/refund-agent", "..", ".", "refund-agent/"]) {
      expect(await agents.approve(role, "0".repeat(64), "admin")).toMatchObject({ code: "ROLE_UNKNOWN" });
    }
  });

  test("with no name of a role is not listed", () => {
    mkdirSync(join(state, "agents", "Refund Agent"));
    expect(linesOf(agents).map(({ role }) => role)).toEqual(["refund-manager"]);
  });
});

describe("a role", () => {
  test("goes offline and online again, each in the log", async () => {
    drop();
    await approveShown("refund-agent");
    expect(await agents.turn("refund-agent", "offline", "admin")).toMatchObject({ value: { state: "offline" } });
    expect(roles.online("refund-agent")).toBe(false);
    expect(roles.active("refund-agent")?.online).toBe(false);
    await agents.turn("refund-agent", "online", "admin");
    expect(roles.online("refund-agent")).toBe(true);
    expect(verbs().map(({ verb }) => verb)).toEqual(["agent_approve", "agent_offline", "agent_online"]);
  });

  test("that was set offline stays so when a new bundle is approved", async () => {
    const folder = drop();
    await approveShown("refund-agent");
    await agents.turn("refund-agent", "offline", "admin");
    writeFileSync(join(folder, "main.py"), "def run(task): ...\n");
    expect(await approveShown("refund-agent")).toMatchObject({ value: { state: "offline" } });
  });

  test("that was never approved is neither online nor offline", async () => {
    drop();
    expect(await agents.turn("refund-agent", "online", "admin")).toMatchObject({ code: "ROLE_UNKNOWN" });
    expect(verbs()).toEqual([]);
  });
});

describe("a role of people", () => {
  test("is approved like an agent's and runs the bundle its tools come from", async () => {
    expect(line("refund-manager")).toMatchObject({ state: "pending" });
    expect(roles.online("refund-manager")).toBe(true);
    await approveShown("refund-manager");
    expect(roles.active("refund-manager")).toBeNull();
    drop();
    await approveShown("refund-agent");
    expect(roles.active("refund-manager")).toMatchObject({
      human: true,
      bundle: line("refund-agent").folder,
      isolation: "gvisor",
      grant: { "refund:create": [{ max: 500_000 }, { max: 500_000 }] },
    });
  });

  test("whose declaration changes keeps what was granted until it is approved again", async () => {
    await approveShown("refund-manager");
    writeFileSync(
      join(state, "config/people.yaml"),
      'roles: { refund-manager: { tools: refund-agent, capabilities: { "email:send": {} } } }\npeople: {}\n',
    );
    const { operations } = world.core;
    const people = readPeople({ etc: "/nonexistent", var: state }, operations);
    const again = openAgents(world.core, { state, people, operations });
    const changed = linesOf(again).find(({ role }) => role === "refund-manager");
    expect(changed).toMatchObject({ state: "pending", asks: { "email:send": [] } });
    expect(changed?.granted).toHaveProperty("refund:create");
  });

  test("that people.yaml no longer declares may do nothing, though it was approved", async () => {
    drop();
    await approveShown("refund-agent");
    await approveShown("refund-manager");
    const without = openRoles(world.store, { people: new Map(), roles: new Map() }, "nspawn");
    expect(without.active("refund-manager")).toBeNull();
    expect(without.active("refund-agent")).not.toBeNull();
  });

  test("cannot be switched off", async () => {
    await approveShown("refund-manager");
    expect(await agents.turn("refund-manager", "offline", "admin")).toMatchObject({ code: "NOT_PERMITTED" });
  });
});

test("as many folders as there may be are listed, and with one more none", async () => {
  for (let n = 0; n < AGENT_FOLDERS_MAX; n++) mkdirSync(join(state, "agents", `agent-${n}`));
  expect(linesOf(agents)).toHaveLength(AGENT_FOLDERS_MAX + 1);
  drop();
  expect(agents.list()).toMatchObject({ end: "refused", message: expect.stringContaining("more than 256 folders") });
  expect(await agents.approve("refund-agent", "0".repeat(64), "admin")).toMatchObject({ code: "BUNDLE_INVALID" });
});

test("a bundle the disk does not take approves nothing", async () => {
  drop();
  const shown = line("refund-agent").folder ?? "";
  rmSync(join(state, "bundles"), { recursive: true });
  expect(await agents.approve("refund-agent", shown, "admin")).toMatchObject({ end: "later" });
  expect(world.store.roles.count()).toBe(0);
  expect(verbs()).toEqual([]);
});
