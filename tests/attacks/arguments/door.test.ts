/** Hostile arguments at the real door, on a cell's real socket: refused with their code, written down, and never passed on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CALL_BYTES_MAX } from "../../../kernel/abi/bounds.ts";
import { parseExact } from "../../../kernel/abi/json.ts";
import { ask, CELL, openWorld, type World } from "../../proxies/door/world.ts";
import { attacks, good, inexact, refundWith, spellings } from "./attacks.ts";

let world: World;
let headers: Record<string, string>;
beforeAll(async () => {
  world = await openWorld();
  headers = await world.bound(0, CELL, { capabilities: { "refund:create": [], "email:send": [] } });
});
afterAll(() => world.close());

const send = (capability: string, sent: string) =>
  ask(world.run, 0, "POST", "/v1/call", `{"step":1,"capability":"${capability}","arguments":${sent}}`, headers);
const asked = () => [world.heard.intend.length, world.heard.call.length];

test.for(attacks)("$name: the door says $door, the kernel is told and asked nothing", async (attack) => {
  const [before, findings] = [asked(), world.heard.finding.length];
  const { status, body } = await send(attack.capability, attack.sent);
  expect({ status, code: body["code"] }).toEqual({ status: 403, code: attack.door });
  expect(asked()).toEqual(before);
  expect(world.heard.finding.slice(findings)).toMatchObject([{ cell: CELL, code: attack.door }]);
  expect(JSON.stringify(world.heard.finding.at(-1))).not.toContain("O1234");
});

test.for(Object.entries(inexact))("%s is refused: its value is not what it says", async ([, sent]) => {
  const before = asked();
  expect(await send("refund:create", sent)).toMatchObject({ status: 403, body: { code: "MALFORMED" } });
  expect(asked()).toEqual(before);
});

test.for(Object.entries(spellings))("%s is the call it says, in one spelling from here on", async ([, sent]) => {
  expect(await send("refund:create", sent)).toMatchObject({ status: 200 });
  expect(world.heard.intend.at(-1)?.arguments).toEqual(good["refund:create"]);
});

test("after all of them the door still serves, and knows no member it was not sent", async () => {
  expect(await send("email:send", JSON.stringify(good["email:send"]))).toMatchObject({ status: 200 });
  expect(Object.hasOwn(Object.prototype, "amount")).toBe(false);
});

test("a body of as many bytes as a call may have is read, one of one more is not", async () => {
  const room = CALL_BYTES_MAX - Buffer.byteLength(`{"step":1,"capability":"refund:create","arguments":{}}`);
  const filled = (bytes: number) => `{${" ".repeat(bytes)}}`;
  expect(await send("refund:create", filled(room))).toMatchObject({ body: { code: "ARGUMENT_INVALID" } });
  expect(await send("refund:create", filled(room + 1))).toMatchObject({ body: { code: "TOO_LARGE" } });
});

test("the good call that all of them change is good", () => {
  expect(parseExact(refundWith("amount", "500"))).toEqual(good["refund:create"]);
});
