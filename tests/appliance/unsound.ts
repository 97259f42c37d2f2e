/** Claims about agents that do not do as they should: what becomes of their tasks, and that nothing is left of their cells. */
import { describe, expect, test } from "vitest";
import { allUids, processesIn } from "../../jail/processes.ts";
import type { TaskLine } from "../../kernel/abi/console-messages.ts";
import { openClient } from "./http.ts";
import { attempts, type TestAppliance, unsound } from "./world.ts";

const patience = { timeout: 45_000, interval: 200 };

type Fate = {
  role: string;
  state: TaskLine["state"];
  event: string | null;
  reason: string | null;
  claims: number;
  text: string;
};

const failed = (role: string, reason: string, claims: number): Fate => ({
  role,
  state: "ended",
  event: "Failed",
  reason,
  claims,
  text: "",
});
const completed = (role: string, text: string): Fate => ({
  role,
  state: "ended",
  event: "Completed",
  reason: null,
  claims: 1,
  text,
});

const fates: readonly Fate[] = [
  completed("babbler", "Still here."),
  completed("doubler", "First."),
  failed("garbler", "ATTEMPTS_USED_UP", attempts.max),
  failed("mute", "ATTEMPTS_USED_UP", attempts.max),
  failed("quitter", "ATTEMPTS_USED_UP", attempts.max),
  failed("raiser", "ATTEMPTS_USED_UP", attempts.max),
  failed("scribbler", "ATTEMPTS_USED_UP", attempts.max),
  failed("inventor", "TOKEN_UNKNOWN", 1),
  failed("spinner", "DEADLINE", 1),
  { ...failed("sleeper", "DEADLINE", 1), state: "waiting", event: null },
];

/** Task of each agent, and of one that does as it should among them. */
export type Tasks = ReadonlyMap<string, string>;

const BESIDE = "hello";

/** Submits a task for each. */
export async function submitUnsound(appliance: TestAppliance): Promise<Tasks> {
  const shop = openClient(appliance, "shop");
  // Those that hang come first, so that others are seen to go on beside them.
  const hanging = ["sleeper", "spinner"];
  const roles = [...hanging, BESIDE, ...unsound.filter((role) => !hanging.includes(role))];
  const submitted = new Map<string, string>();
  for (const role of roles) submitted.set(role, (await shop.post({ kind: role }, role)).body["task"] as string);
  return submitted;
}

export function describeUnsound(of: () => TestAppliance, tasks: () => Tasks): void {
  const taskOf = (role: string) => tasks().get(role) as string;

  test("each agent here has a fate", () => {
    expect(fates.map(({ role }) => role).sort()).toEqual([...unsound].sort());
  });

  test("other tasks go on beside agents that hang", async () => {
    const line = await settled(of(), taskOf(BESIDE));
    expect(line.event).toBe("Completed");
    expect(line.updated).toBeLessThan((await settled(of(), taskOf("sleeper"))).updated);
  });

  describe("the task of an agent that does not do as it should", () => {
    test.each(fates)("$role: $event, $reason, after $claims attempts", async ({ role, text, claims, ...fate }) => {
      const task = taskOf(role);
      await expect.poll(() => lineOf(of(), task), patience).toMatchObject(fate);
      expect((await entriesOf(of(), task)).filter(({ verb }) => verb === "claim")).toHaveLength(claims);
      const { body } = await openClient(of(), "shop").get(task);
      expect(body).toMatchObject({ state: fate.state, event: fate.event });
      expect(body["answer"]).toEqual(fate.event === null ? undefined : { text, fields: {} });
    });

    test("is a dead letter when it failed, and a person's when the map says so", async () => {
      const list = (filter: object) =>
        of().ask("task_list", { state: null, role: null, dead: false, limit: 1000, ...filter });
      const dead = (await list({ dead: true })).tasks;
      const waiting = (await list({ state: "waiting", role: "refund-manager" })).tasks;
      const failures = fates.filter(({ event }) => event === "Failed").map(({ role }) => taskOf(role));
      expect(dead.map(({ task }) => task).sort()).toEqual(failures.sort());
      expect(waiting.map(({ task }) => task)).toEqual([taskOf("sleeper")]);
    });

    test("rests longer after each failure", async () => {
      const entries = await entriesOf(of(), taskOf("raiser"));
      const claims = entries.filter(({ verb }) => verb === "claim").map(({ time }) => time);
      const failures = entries.filter(({ verb }) => verb === "settle").map(({ time }) => time);
      for (const failure of [0, 1]) {
        const rest = (claims[failure + 1] as number) - (failures[failure] as number);
        expect(rest).toBeGreaterThanOrEqual(attempts.backoff_ms * 2 ** failure);
      }
    });
  });
}

/** To be called while a task is in a cell: what `expectNothingLeft` looks for is seen here. */
export async function expectCells({ proc }: TestAppliance): Promise<void> {
  await expect.poll(() => processesIn(allUids, proc), patience).not.toEqual([]);
}

/** To be called when no task is in a cell. `mounts`: those from before the first cell. */
export async function expectNothingLeft(
  { ask, proc, mounts }: TestAppliance,
  before: readonly string[],
): Promise<void> {
  await expect.poll(async () => (await ask("status", {})).slots.used, patience).toBe(0);
  expect(processesIn(allUids, proc)).toEqual([]);
  expect(mounts()).toEqual(before);
}

/** The task, when it has ended or waits for a person. */
export async function settled(appliance: TestAppliance, task: string): Promise<TaskLine> {
  await expect.poll(async () => (await lineOf(appliance, task)).state, patience).toMatch(/ended|waiting/);
  return lineOf(appliance, task);
}

async function lineOf({ ask }: TestAppliance, task: string): Promise<TaskLine> {
  return (await ask("task_show", { task })).line;
}

type Entry = { verb: string; time: number };

async function entriesOf({ ask }: TestAppliance, task: string): Promise<Entry[]> {
  const { entries } = await ask("audit_show", { task, from: 0, limit: 1000 });
  return entries.map(({ entry }) => entry as Entry);
}
