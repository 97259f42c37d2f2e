/** What the machine's link needs besides flows, and what somebody on that link, or far behind it, makes of these rules. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { hostUsers } from "../../nftables/host.ts";
import { network } from "./claims.ts";
import * as frames from "./frames.ts";
import { openRig, type Rig } from "./rig.ts";

const FAR = "10.7.0.9";
const FAR6 = "2001:db8:7::9";
const NARROW_BYTES = 1280;
const EMAIL = 707;
const ANSWER_MS = 1000;
/** So many that what the Linux kernels say to each other meanwhile does not matter. */
const TIMES = 20;
const NETWORK = hostUsers().find(({ set }) => set === "network_users")?.uid as number;

// A step is a process, and some tests take ten: a machine that has other work needs minutes.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({
    ...network,
    destinations: { ...network.destinations, email: [`${FAR}:25/udp`, `[${FAR6}]:25/udp`, "10.9.0.2:25"] },
  });
  // Outside is a router, and the way behind it takes small packets only.
  for (const path of ["ipv4/ip_forward", "ipv6/conf/all/forwarding"]) rig.set("outside", path, 1);
  rig.ip("outside", "link", "add", "far0", "mtu", String(NARROW_BYTES), "type", "veth", "peer", "name", "far1");
  for (const link of ["far0", "far1"]) rig.ip("outside", "link", "set", link, "up");
  rig.ip("outside", "route", "add", "10.7.0.0/24", "dev", "far0");
  rig.ip("outside", "route", "add", "2001:db8:7::/64", "dev", "far0");
  rig.ip("machine", "route", "add", "10.7.0.0/24", "via", "10.9.0.2");
  rig.ip("machine", "route", "add", "2001:db8:7::/64", "via", "2001:db8:9::2");
});
beforeEach(() => void rig.machine("apply"));
afterAll(() => rig.close());

/** A rule that lets nothing through. */
const shut = (rule: string) => `${rule} counter accept|${rule} counter drop`;
const send = (packet: frames.Packet, times = 1) =>
  rig.packets("outside", 0, "frames", "o0", "0", ...Array<string>(times).fill(frames.frame(packet)));

describe("the size of packets a path takes", () => {
  /** What the machine knows of it, after it has sent one that is too large. */
  async function learnt(address: string): Promise<boolean> {
    rig.ip("machine", "-4", "route", "flush", "cache");
    rig.ip("machine", "-6", "route", "flush", "cache");
    rig.reach("machine", [{ uid: EMAIL, protocol: "udp", address, port: 25, bytes: 1400 }]);
    return rig.ip("machine", "route", "get", address).includes(`mtu ${NARROW_BYTES}`);
  }

  test.each([
    [FAR, "ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem }"],
    [
      FAR6,
      "ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }",
    ],
  ])("to %s is learnt by the error that says so, and not without its rule", async (address, rule) => {
    expect(await learnt(address)).toBe(true);
    rig.machine("altered", shut(rule));
    expect(await learnt(address)).toBe(false);
  });
});

describe("routers", () => {
  async function found(): Promise<boolean> {
    rig.ip("machine", "-6", "route", "flush", "proto", "ra");
    send(frames.routerAdvert(frames.OUTSIDE.link, 255));
    await pause(100);
    return rig.ip("machine", "-6", "route", "show", "default").includes(frames.OUTSIDE.link);
  }

  test("that offer themselves are found, and not without their rule", async () => {
    expect(await found()).toBe(true);
    rig.machine("altered", shut("icmpv6 type nd-router-advert"));
    expect(await found()).toBe(false);
  });

  test("are asked for by the user that keeps the addresses, and by no other", () => {
    const ask = (uid: number) => rig.packets("machine", uid, "raw", "ff02::2%m0", frames.ROUTER_SOLICIT);
    expect([ask(NETWORK), ask(EMAIL), ask(0)]).toEqual([true, false, false]);
    rig.machine("altered", shut("ip6 hoplimit 255 icmpv6 type nd-router-solicit"));
    expect(ask(NETWORK)).toBe(false);
  });
});

describe("a switch that asks who listens", () => {
  const answered = (source = frames.OUTSIDE.link) => {
    const query = frames.frame(frames.multicastQuery(source));
    const came = rig.packets("outside", 0, "frames", "o0", String(ANSWER_MS), query) as string[];
    return came.some(frames.isMulticastReport);
  };

  test.each([
    ["the rule of queries", "icmpv6 type mld-listener-query"],
    ["the rule of reports", "icmpv6 type mld2-listener-report"],
  ])("is answered, and not without %s", (_, rule) => {
    expect(answered()).toBe(true);
    rig.machine("altered", shut(rule));
    expect(answered()).toBe(false);
  });
});

describe("what looks like them and is not is dropped by the words of the rule that say so:", () => {
  const { link } = frames.OUTSIDE;
  const NEIGHBOURS = "ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } counter";
  const ROUTERS = "ip6 hoplimit 255 ip6 saddr fe80::/10 icmpv6 type nd-router-advert";
  const QUERIES = "ip6 saddr fe80::/10 icmpv6 type mld-listener-query";
  const LEASES = "ip6 saddr fe80::/10 ip6 daddr fe80::/10 udp sport 547";
  const strange = "2001:db8:9::3";

  test.each([
    ["a router from afar", frames.routerAdvert(link, 64), "routers", ROUTERS, "ip6 hoplimit 255 "],
    ["a router of no link", frames.routerAdvert(strange, 255), "routers", ROUTERS, "ip6 saddr fe80::/10 "],
    ["a neighbour from afar", frames.neighbourSolicit(64), "neighbours", NEIGHBOURS, "ip6 hoplimit 255 "],
    ["a query of no link", frames.multicastQuery(strange), "multicast queries", QUERIES, "ip6 saddr fe80::/10 "],
    ["a lease of no link", frames.lease(strange, frames.MACHINE.link, 547), "dhcpv6", LEASES, "ip6 saddr fe80::/10 "],
    ["a lease to no link", frames.lease(link, "2001:db8:9::1", 547), "dhcpv6", LEASES, "ip6 daddr fe80::/10 "],
    ["a lease of no server", frames.lease(link, frames.MACHINE.link, 5000), "dhcpv6", LEASES, "udp sport 547"],
    [
      ...(["what is damaged", { ...frames.routerAdvert(link, 255), spoiled: true }, "routers"] as const),
      ...([
        'ct state invalid counter drop comment "invalid"\n    # Loopback',
        'ct state invalid counter drop comment "invalid"',
      ] as const),
    ],
  ] as const)("%s", (_, packet, counter, rule, word) => {
    const passed = () => {
      const before = rig.counted()[`in ${counter}`] ?? 0;
      send(packet, TIMES);
      return (rig.counted()[`in ${counter}`] ?? 0) - before >= TIMES;
    };
    expect(passed()).toBe(false);
    rig.machine("altered", `${rule}|${rule.replace(word, "")}`);
    expect(passed()).toBe(true);
  });
});

test("a packet of no flow does not leave, not even to its user's own destination", () => {
  const leaves = () => rig.packets("machine", EMAIL, "raw", "10.9.0.2", frames.segmentOfNoFlow("10.9.0.2", 25));
  const before = rig.counted()["out invalid"] ?? 0;
  expect(leaves()).toBe(false);
  expect((rig.counted()["out invalid"] ?? 0) - before).toBe(1);
  const rule = 'ct state invalid counter drop comment "invalid"\n    # A reply';
  rig.machine("altered", `${rule}|# A reply`);
  expect(leaves()).toBe(true);
});
