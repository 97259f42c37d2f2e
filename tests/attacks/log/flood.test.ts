/** A cell that wants the log full: it writes so much and no more, and is destroyed for it. Its calls are counted in tests/kernel/handlers.test.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readKey } from "../../../console/audit/note.ts";
import { verifyLog } from "../../../console/audit/verify.ts";
import { logSize } from "../../../kernel/audit/log.ts";
import { openPublisher, type Publisher } from "../../../kernel/audit/publish.ts";
import { FINDINGS_MAX } from "../../../kernel/excess.ts";
import { doorHandlers } from "../../../kernel/handlers.ts";
import { KEY, only } from "../../kernel/audit/log-world.ts";
import { openRig, type Rig } from "../../kernel/rig.ts";
import { submitTask } from "../../kernel/world.ts";

/** Of a task beside its calls: submit, cell, claim, settle, and the like, each attempt. */
const BESIDE_MAX = 20;
let rig: Rig;
let folder: string;
let publisher: Publisher;
beforeEach(async () => {
  rig = await openRig();
  folder = mkdtempSync(join(tmpdir(), "silo-flood-"));
  publisher = openPublisher({ store: rig.world.store, commit: rig.world.core.commit, folder, keys: only(KEY) });
});
afterEach(async () => {
  await publisher.tend();
  await rig.close();
  rmSync(folder, { recursive: true });
});

const peer = { closed: new Promise<void>(() => undefined) };

async function bound() {
  const task = submitTask(rig.world);
  rig.dispatch.wake();
  const of = () => rig.bound.find(({ document }) => document.task === task);
  await rig.until(() => of() !== undefined, "bound");
  const { cell, assignment, epoch } = of() ?? expect.fail("not bound");
  return { task, at: { cell, assignment, epoch } };
}

function entriesOf(cell: string): string[] {
  const texts = rig.world.store.audit.all().map(({ value }) => value.entry);
  return texts.filter((text) => text.includes(`"cell":"${cell}"`));
}

test("refusals at the door: so many entries a cell, and it is destroyed", { timeout: 120_000 }, async () => {
  const { at, task } = await bound();
  const { finding } = doorHandlers(rig.world.core, rig.dispatch);
  const told = { cell: at.cell, code: "MALFORMED" as const, capability: null, step: null, detail: "" };
  for (let reported = 0; reported < FINDINGS_MAX; reported++) await finding({ finding: told }, peer);
  await rig.until(() => !rig.running.has(at.cell), "destroyed");
  const written = entriesOf(at.cell);
  expect(written.filter((text) => text.includes('"finding"'))).toHaveLength(FINDINGS_MAX);
  expect(written.length).toBeLessThanOrEqual(FINDINGS_MAX + BESIDE_MAX);
  await publisher.tend();
  expect((await verifyLog({ folder, key: readKey(KEY.verifier) }, 1)).size).toBeGreaterThan(FINDINGS_MAX);
  await rig.until(() => rig.stateOf(task) !== "leased" || rig.bound.length > 1, "the attempt is over");
});

test("a task has so many attempts: what all its cells may write is bounded", async () => {
  const { attempts } = rig.world.core.settings;
  const task = submitTask(rig.world);
  rig.dispatch.wake();
  for (let attempt = 1; attempt <= attempts.max; attempt++) {
    await rig.until(() => rig.bound.length === attempt, `attempt ${attempt}`);
    rig.exit(rig.bound.at(-1)?.cell ?? "");
  }
  await publisher.tend();
  expect((await verifyLog({ folder, key: readKey(KEY.verifier) }, 1)).size).toBeGreaterThan(attempts.max);
  await rig.until(() => rig.stateOf(task) === "waiting" || rig.stateOf(task) === "ended", "no more attempts");
  expect(rig.bound).toHaveLength(attempts.max);
  expect(logSize(rig.world.store)).toBeLessThan(attempts.max * BESIDE_MAX);
});
