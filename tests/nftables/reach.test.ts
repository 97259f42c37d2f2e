/** Who reaches what through the firewall, over real links, as real users. Each claim is one packet's fate. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allUids, slotUids } from "../../jail/processes.ts";
import { SLOTS_MAX } from "../../kernel/abi/bounds.ts";
import { type Claim, claims, FRONT, network, told } from "./claims.ts";
import { openRig, type Rig, type Target } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await openRig(network);
  rig.answer({ "mail.example.com": ["10.9.0.2", "2001:db8:9::2"] });
  await rig.start("machine", "node", "tests/nftables/listen-inside.ts", "703", String(FRONT));
  await rig.start("machine", "node", "tests/nftables/listen-inside.ts", "703", "8444");
  await rig.start("machine", "node", "tests/nftables/listen-inside.ts", "0", "2525");
  rig.machine("apply");
  rig.machine("refresh");
});
afterAll(() => rig.close());

const udp = (uid: number, address = "10.9.0.2", port = 25): Target => ({ uid, protocol: "udp", address, port });

describe("each user", () => {
  test("reaches its own destinations and nothing else", () => {
    expect(told(rig, claims)).toEqual(claims);
  });

  test("reaches the same after its process is started again: rules know users, not processes", () => {
    const again = claims.filter(({ reached }) => reached);
    expect(told(rig, again)).toEqual(again);
  });
});

describe("a cell", () => {
  const ends = Array.from({ length: SLOTS_MAX }, (_, slot) => slotUids(slot)).flatMap(({ first, last }) => [
    first,
    Math.floor((first + last) / 2),
    last,
  ]);

  test("reaches nothing, at either end and in the middle of every slot's users, and is counted as a cell", () => {
    const before = rig.counted();
    const targets = ends.map((uid) => udp(uid));
    expect(rig.reach("machine", targets)).toEqual(ends.map(() => false));
    expect((rig.counted()["out cells"] ?? 0) - (before["out cells"] ?? 0)).toBe(ends.length);
  });

  test.each([
    ["before", allUids.first - 1],
    ["after", allUids.last + 1],
  ])("has neighbours %s its users that reach nothing either, and are counted as unlisted", (_, uid) => {
    const before = rig.counted();
    expect(rig.reach("machine", [udp(uid)])).toEqual([false]);
    const after = rig.counted();
    expect(after["out cells"]).toBe(before["out cells"]);
    expect((after["out unlisted users"] ?? 0) - (before["out unlisted users"] ?? 0)).toBe(1);
  });
});

test("root is dropped and counted as root", () => {
  const before = rig.counted();
  expect(rig.reach("machine", [udp(0)])).toEqual([false]);
  expect((rig.counted()["out root"] ?? 0) - (before["out root"] ?? 0)).toBe(1);
});

test("nothing goes through the machine", () => {
  const before = rig.counted();
  expect(rig.reach("beyond", [udp(0), { uid: 0, protocol: "tcp", address: "10.9.0.2", port: 25 }])).toEqual([
    false,
    false,
  ]);
  expect(rig.counted()["forward dropped through"]).toBeGreaterThan(before["forward dropped through"] ?? 0);
});

test("a front door that another user opened lets nobody in", async () => {
  const thief = await rig.start("machine", "node", "tests/nftables/listen-inside.ts", "707", "8445");
  const elsewhere: Claim = {
    from: "outside",
    uid: 0,
    protocol: "tcp",
    address: "10.9.0.1",
    port: 8445,
    reached: false,
  };
  rig.machine("altered", `"m0" . ${FRONT}|"m0" . 8445`);
  expect(told(rig, [elsewhere])).toEqual([elsewhere]);
  rig.machine("apply");
  thief.kill("SIGKILL");
});

test("a file with a fault changes nothing", () => {
  const before = rig.machine("elements");
  expect(() => rig.machine("altered", "goto email,|goto nobody,")).toThrow(/nobody/);
  expect(() => rig.machine("altered", "chain sms {|chain sms { accept accept")).toThrow(/nft refused/);
  expect(rig.machine("elements")).toEqual(before);
  expect(rig.machine("inForce")).toBe("intact");
  expect(told(rig, claims)).toEqual(claims);
});

test("a rule that somebody changed is seen", () => {
  rig.machine("altered", "policy drop|policy accept");
  expect(rig.machine("inForce")).toBe("changed");
  rig.machine("apply");
  expect(rig.machine("inForce")).toBe("intact");
});
