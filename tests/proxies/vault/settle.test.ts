import { afterEach, beforeEach, expect, test } from "vitest";
import { done, later, refused } from "../../../kernel/abi/ends.ts";
import type { JsonObject } from "../../../kernel/abi/json.ts";
import { type Bound, Rig } from "./rig.ts";

let rig: Rig;
let bound: Bound;
beforeEach(async () => {
  rig = await new Rig().start();
  bound = await rig.bind(await rig.open({ text: "use eve@corp.example" }));
});
afterEach(() => rig.stop());

const update = { email: "[EMAIL_2]" };

const permitOf = (capability: string, given: JsonObject) => rig.permit({ ...bound, epoch: 2 }, 1, capability, given);

function settle(capability: string, given: JsonObject) {
  const permit = permitOf(capability, given);
  const { sealed } = rig.cases.get(bound.case) ?? { sealed: [] };
  return rig.kernel.request("settle", { case: bound.case, sealed, permit, arguments: given });
}

test("what happened is told with its result, replayable, and with what the table must keep", async () => {
  rig.peers.decide = () => done({ decided: "happened", result: { updated: true } });
  const end = await settle("customer:update_email", update);
  expect(end).toMatchObject({ end: "done", value: { decided: "happened" } });
  if (end.end !== "done" || end.value.value === null || end.value.table === null)
    throw new Error("sealed parts are missing");
  expect(rig.proven(permitOf("customer:update_email", update), end.value.proof)).toBe("happened");
  const call = { cell: bound.cell, step: 1, capability: "customer:update_email", arguments: update, permit: null };
  expect(await rig.door.request("call", { ...call, replay: end.value.value, stand_in: false })).toEqual(
    done({ value: { updated: true } }),
  );
  rig.cases.get(bound.case)?.sealed.push(end.value.table);
  await rig.stopVault();
  await rig.startVault();
  await rig.rebind(bound);
  rig.peers.decide = () => done({ decided: "void", result: null });
  const letter = { to: "[EMAIL_1]", subject: "s", body: "b" };
  expect(await rig.call(bound, 2, "email:send", letter)).toMatchObject({ code: "RECIPIENT_NOT_ALLOWED" });
});

test("what never happened is void, and what nobody can tell is unknown", async () => {
  const end = await settle("customer:update_email", update);
  expect(end).toMatchObject(done({ decided: "void", value: null, table: null }));
  expect(end.end === "done" && rig.proven(permitOf("customer:update_email", update), end.value.proof)).toBe("void");
  rig.peers.decide = () => refused("UNKNOWN_OUTCOME");
  expect(await settle("customer:update_email", update)).toMatchObject({ code: "UNKNOWN_OUTCOME" });
  rig.peers.decide = () => later("The database is away.");
  expect((await settle("customer:update_email", update)).end).toBe("later");
});
