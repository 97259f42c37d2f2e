/** Every rule is needed: with it taken away, something that should pass does not, or something that should not does. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Claim, claims, FRONT, network, told } from "./claims.ts";
import { openRig, type Rig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ ...network, resolver: ["10.9.0.2", "2001:db8:9::2"], destinations: everyone() });
  rig.answer({ "mail.example.com": ["10.9.0.2", "2001:db8:9::2"] });
  await rig.start("machine", "node", "tests/nftables/listen-inside.ts", "703", String(FRONT));
  await rig.start("machine", "node", "tests/nftables/listen-inside.ts", "0", "2525");
  rig.machine("apply");
  rig.machine("refresh");
});
beforeEach(() => void rig.machine("apply"));
afterAll(() => rig.close());

function everyone() {
  return {
    ...network.destinations,
    sms: ["10.9.0.3:2775", "[2001:db8:9::2]:2775"],
    siem: ["10.9.0.3:6514", "[2001:db8:9::2]:6514"],
  };
}

const passing = claims.filter(({ reached }) => reached);
const extra: Claim[] = [
  { from: "machine", uid: 709, protocol: "tcp", address: "2001:db8:9::2", port: 2775, reached: true },
  { from: "machine", uid: 711, protocol: "tcp", address: "2001:db8:9::2", port: 6514, reached: true },
  { from: "machine", uid: 710, protocol: "tcp", address: "2001:db8:9::2", port: 53, reached: true },
];
const all = [...passing, ...extra];

test("with all of them everything that should pass does", () => expect(told(rig, all)).toEqual(all));

test.each([
  ["loopback", "127.0.0.1"],
  ["replies", "10.9.0.2"],
  ["front door opened", "10.9.0.1"],
  ["front door", "10.9.0.1"],
  ["loopback replies", "127.0.0.1"],
  ["ingress replies", "10.9.0.1"],
  ["console to ingress", "127.0.0.1"],
  ["neighbours", "2001:db8:9::2"],
  ...["database", "email", "resolver"].flatMap((name) => [
    [`${name} ipv4`, "10.9.0.2"],
    [`${name} ipv6`, "2001:db8:9::2"],
  ]),
  ["sms ipv4", "10.9.0.3"],
  ["sms ipv6", "2001:db8:9::2"],
  ["siem ipv4", "10.9.0.3"],
  ["siem ipv6", "2001:db8:9::2"],
])("without '%s' somebody does not reach %s", (comment, address) => {
  rig.machine("without", comment);
  const there = all.filter((claim) => claim.address === address);
  expect(told(rig, there).filter(({ reached }) => !reached)).not.toEqual([]);
});

/** A drop that lets through. The answer comes back only to a flow that is marked, as one that was let out is. */
const open = (comment: string) => `counter drop comment "${comment}"|ct mark set 1 counter accept comment "${comment}"`;

test.each([
  ["root", 0, "10.9.0.2"],
  ["unlisted users", 708, "10.9.0.2"],
  ["email", 707, "10.9.0.3"],
  ["database", 706, "10.9.0.2"],
  ["sms", 709, "10.9.0.2"],
  ["siem", 711, "10.9.0.2"],
  ["resolver", 710, "10.9.0.3"],
  ["console", 705, "10.9.0.2"],
  ["ingress", 703, "10.9.0.2"],
])("without the drop of '%s' user %i reaches %s", (comment, uid, address) => {
  const stopped = claims.filter((claim) => !claim.reached && claim.uid === uid && claim.address === address);
  expect(stopped).not.toEqual([]);
  rig.machine("altered", open(comment));
  expect(told(rig, stopped).filter(({ reached }) => reached)).not.toEqual([]);
});

test("without the drop in, what answers is still held by its user; without both it answers", () => {
  const stopped = claims.filter(({ address, port }) => address === "10.9.0.1" && port === 2525);
  const opened = "hook input priority filter; policy drop|hook input priority filter; policy accept";
  rig.machine("altered", opened);
  expect(told(rig, stopped)).toEqual(stopped);
  rig.machine("altered", `${opened}|${open("root")}`);
  expect(told(rig, stopped)).toEqual(stopped.map((claim) => ({ ...claim, reached: true })));
});

test("without the drop of cells a cell passes", () => {
  const cell: Claim = {
    from: "machine",
    uid: 524_288 + 1000,
    protocol: "udp",
    address: "10.9.0.2",
    port: 26,
    reached: false,
  };
  expect(told(rig, [cell])).toEqual([cell]);
  rig.machine("altered", open("cells"));
  expect(told(rig, [cell])).toEqual([{ ...cell, reached: true }]);
});

test("without the drop through the machine something goes through", () => {
  const through: Claim = { from: "beyond", uid: 0, protocol: "tcp", address: "10.9.0.2", port: 25, reached: false };
  expect(told(rig, [through])).toEqual([through]);
  rig.machine("altered", "hook forward priority filter; policy drop|hook forward priority filter; policy accept");
  expect(told(rig, [through])).toEqual([{ ...through, reached: true }]);
});
