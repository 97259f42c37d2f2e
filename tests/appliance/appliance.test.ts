/** Bad input of every kind, on one whole running appliance: each has its answer, nothing is lost, and a good task is done after it all. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Customer, makeShop } from "../../console/trial/shop.ts";
import { ENTRY_VERSION, publishedSchema } from "../../kernel/abi/entry.ts";
import { beginSilence, describeAnswers, type Heard } from "./answers.ts";
import { describeFolders } from "./folders.ts";
import { openClient } from "./http.ts";
import { describeSubmissions } from "./submissions.ts";
import { describeUnsound, expectCells, expectNothingLeft, settled, submitUnsound, type Tasks } from "./unsound.ts";
import { startTestAppliance, type TestAppliance } from "./world.ts";

let appliance: TestAppliance;
let mounts: string[];
let tasks: Tasks;
let silence: { heard: Promise<Heard> };
const running = () => appliance;

/** What takes its time is begun here, and goes on beside the first tests. */
beforeAll(async () => {
  appliance = await startTestAppliance();
  mounts = appliance.mounts();
  await approveAll();
  silence = await beginSilence(appliance);
  tasks = await submitUnsound(appliance);
}, 120_000);
afterAll(() => appliance?.stop(), 30_000);

async function approveAll(): Promise<void> {
  const { agents } = await appliance.ask("agent_list", {});
  for (const { role, folder, problem } of agents) {
    if (folder === null) throw new Error(`${role} cannot be approved: ${problem?.message}`);
    await appliance.ask("agent_approve", { role, folder });
  }
}

test("agents run in cells of this machine", () => expectCells(appliance));

describeSubmissions(running);
describeFolders(running);
describeUnsound(running, () => tasks);
describeAnswers(running, () => silence);

test("after all of it a good task is done, and its answer carries the customer's name", async () => {
  const shop = openClient(appliance, "shop");
  const fields = { order: "O1234", amount: "247.50 USD" };
  const { body } = await shop.post({ kind: "refund", customer: "C0042", fields, text: "Please." }, "good");
  const task = body["task"] as string;
  expect(await settled(appliance, task)).toMatchObject({ event: "Completed" });
  const { answer } = (await shop.get(task)).body as { answer: { text: string } };
  const { name } = makeShop().customers.find(({ id }) => id === "C0042") as Customer;
  expect(answer.text).toContain(`Dear ${name}, `);
});

test("every task that was accepted is there, and has ended or waits for a person", async () => {
  const { tasks } = await appliance.ask("task_list", { state: null, role: null, dead: false, limit: 1000 });
  const { entries, next } = await appliance.ask("audit_show", { task: null, from: 0, limit: 1000 });
  const submitted = entries.filter(({ entry }) => entry["verb"] === "submit").map(({ entry }) => entry["task"]);
  expect(next).toBeNull();
  expect(tasks.map(({ task }) => task).sort()).toEqual(submitted.sort());
  for (const { task } of tasks) await settled(appliance, task);
});

test("every entry of the log is as the published schema says, and names its version", async () => {
  const validate = new Ajv2020({ strictTypes: false }).compile(publishedSchema());
  const { entries } = await appliance.ask("audit_show", { task: null, from: 0, limit: 1000 });
  expect(entries.filter(({ entry }) => !validate(entry))).toEqual([]);
  expect(entries[0]?.entry).toMatchObject({ verb: "log_key", schema: ENTRY_VERSION });
  expect(entries[1]?.entry).toMatchObject({ verb: "start", machine: "trial" });
});

test("nothing is left of any cell: no process of its users, no mount", async () => {
  await expectNothingLeft(appliance, mounts);
});
