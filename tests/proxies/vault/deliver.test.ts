import { afterEach, beforeEach, expect, test } from "vitest";
import { FIELD_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import { done, later } from "../../../kernel/abi/ends.ts";
import { ANN, Rig } from "./rig.ts";

let rig: Rig;
let id: string;
beforeEach(async () => {
  rig = await new Rig().start();
  id = (await rig.open({ text: "write to bob@corp.example, [NAME_1]" })).case;
});
afterEach(() => rig.stop());

test("the frontend gets the values, in text and fields", async () => {
  const customer = rig.submitted[0]?.customer ?? "";
  const end = await rig.deliver(id, `Dear [NAME_1] (${customer}): [EMAIL_1], [EMAIL_2], [OTHER_1].`, {
    to: "[EMAIL_1]",
    n: "1",
  });
  const text = `Dear ${ANN.name} (C1): ${ANN.email}, bob@corp.example, [NAME_1].`;
  expect(end).toEqual(done({ text, fields: { to: ANN.email, n: "1" } }));
});

test("an answer with a token that stands for nothing can never be delivered", async () => {
  expect(await rig.deliver(id, "Dear [NAME_9]")).toMatchObject({ end: "refused", code: "TOKEN_UNKNOWN" });
  expect(await rig.deliver(id, "", { to: "[name 1]" })).toMatchObject({ end: "refused", code: "TOKEN_UNKNOWN" });
  expect(rig.answers).toHaveLength(0);
});

test("an answer that grows over the bound is refused, one below it passes", async () => {
  const times = Math.floor(FIELD_CHARS_MAX / ANN.name.length);
  expect(await rig.deliver(id, "", { names: "[NAME_1]".repeat(times + 1) })).toMatchObject({ code: "TOO_LARGE" });
  expect((await rig.deliver(id, "", { names: "[NAME_1]".repeat(times) })).end).toBe("done");
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, "[NAME_1]".repeat(times)]));
  expect(await rig.deliver(id, "", many)).toMatchObject({ code: "TOO_LARGE" });
});

test("no receipt, no end", async () => {
  rig.peers.answer = () => later("The frontend is not connected.");
  expect((await rig.deliver(id, "hello")).end).toBe("later");
});

test("the answer of a case that was closed cannot be made", async () => {
  await rig.kernel.request("close", { case: id });
  expect(await rig.deliver(id, "hello")).toMatchObject({ code: "CASE_UNKNOWN" });
});

test("sealed entries of another case, or changed ones, are not taken in", async () => {
  const other = (await rig.open({ customer: "C2" })).case;
  const mine = rig.cases.get(id)?.sealed ?? [];
  await rig.stopVault();
  await rig.startVault();
  rig.cases.get(id)?.sealed.splice(0, mine.length, ...(rig.cases.get(other)?.sealed ?? []));
  expect(await rig.deliver(id, "[NAME_1]")).toMatchObject({ code: "CONFLICT" });
});
