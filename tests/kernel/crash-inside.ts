/** Works on the store in the folder it is given until it is killed; says each task whose submission, call and end are durable. */
import { writeSync } from "node:fs";
import { intend } from "../../kernel/intend.ts";
import { outcome } from "../../kernel/outcome.ts";
import { recover } from "../../kernel/recovery.ts";
import { settle } from "../../kernel/settle.ts";
import { submit } from "../../kernel/submit.ts";
import { LIFE, lease, openWorld, proofOf, refund, submission, type World } from "./world.ts";

const world = await openWorld(process.argv[2]);
const tag = process.argv[3] ?? "";
const { core } = world;
await core.commit(() => recover(core, LIFE));
await Promise.all([1, 2, 3, 4].map((lane) => work(world, `${tag}-${lane}`)));

async function work({ core }: World, lane: string): Promise<never> {
  for (let n = 0; ; n++) {
    const subject = n.toString(16).padStart(64, "0");
    const body = submission({ idempotency: `${lane}-${n}`, subject });
    const end = await core.commit(() => submit(core, body));
    if (end.end !== "done") throw new Error(JSON.stringify(end));
    const { task } = end.value;
    const { lease: held } = lease(world, task);
    const place = { assignment: held.assignment, epoch: held.epoch, step: 1 };
    const given = { capability: "refund:create", arguments: refund(100) };
    await core.commit(() => intend(core, { cell: held.cell, ...place, ...given }));
    const told = {
      code: null,
      message: null,
      table: "dGFibGU",
      proof: proofOf(world, task, 1, "happened"),
      tokens: [],
      fields: [],
    };
    await core.commit(() => outcome(core, { task, ...place, ...told, end: "done", value: "dmFsdWU" }));
    await core.commit(() => settle(core, task, { how: "complete", text: "", fields: {} }));
    writeSync(1, `${lane}-${n} ${task}\n`);
  }
}
