/** Every attack of agents/hostile on the machine, in one cell an area. Those on the membrane need the membrane: `npm run hostile`. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Start } from "../../jail/messages.ts";
import { attacksIn, batchesOf, judge } from "../hostile/verdict.ts";
import { isolationNames, putBundle, runCell, startJailer, startRequest, type TestJailer } from "./jailer.ts";
import { document, openMembrane } from "./membrane.ts";

const AGENT = new URL("../../agents/hostile/", import.meta.url);
/** The least there are of each area, so that none gets lost. */
const AREAS = {
  files: 40,
  processes: 15,
  privileges: 40,
  network: 25,
  resources: 15,
  persistence: 5,
  machine_code: 10,
};
const PATIENCE_MS = 120_000;

let jailer: TestJailer;
let bundle: string;
beforeAll(async () => {
  jailer = await startJailer();
  const files = readdirSync(AGENT).filter((name) => /\.(py|yaml)$/.test(name));
  bundle = putBundle(
    jailer.state,
    Object.fromEntries(files.map((name) => [name, readFileSync(new URL(name, AGENT), "utf8")])),
  );
});
afterAll(() => jailer.stop());

async function answerOf(isolation: Start["isolation"], attack: string) {
  const membrane = await openMembrane(`${jailer.state}/run`, 0, document({ fields: { attack } }));
  const resources = { memory_mib: 128, work_mib: 16, processes: 16, files: 64, output_kib: 64 };
  await runCell(jailer, startRequest(bundle, { isolation, resources, deadline_ms: PATIENCE_MS }));
  await membrane.close();
  return membrane.of("/v1/complete")[0]?.body as { text: string; fields: Record<string, unknown> } | undefined;
}

describe.each(isolationNames)("an agent in isolation %s", (isolation) => {
  let areas: Map<string, string[]>;
  beforeAll(async () => {
    const list = (await answerOf(isolation, "list"))?.text ?? "";
    areas = new Map(attacksIn(list).map(({ area, attacks }) => [area, attacks]));
  });

  test.each(Object.entries(AREAS))("gets nothing by attacks on %s", { timeout: PATIENCE_MS }, async (area, least) => {
    const attacks = areas.get(area) ?? [];
    const fields: Record<string, unknown> = {};
    for (const batch of batchesOf(attacks, attacks.length))
      Object.assign(fields, (await answerOf(isolation, batch.join(" ")))?.fields);
    const through = attacks.map((attack) => judge(attack, isolation, fields[attack], []));
    expect(through.filter(({ result }) => result !== "refused")).toEqual([]);
    expect(attacks.length).toBeGreaterThanOrEqual(least);
  });
});
