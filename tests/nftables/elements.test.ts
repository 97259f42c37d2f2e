import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allUids } from "../../jail/processes.ts";
import { callers, DESTINATIONS_MAX, type Network } from "../../kernel/abi/network.ts";
import { change, type Elements, elementsOf, fill, namesOf } from "../../nftables/elements.ts";
import { hostUsers } from "../../nftables/host.ts";
import { frame } from "../../nftables/nft.ts";
import { ADDRESSES_MAX } from "../../nftables/pins.ts";

const network: Network = {
  interfaces: ["eth0", "eth1"],
  resolver: "system",
  destinations: {
    email: ["Mail.example.com:25", "[2001:DB8::7]:587"],
    clock: ["192.0.2.9:123/udp", "mail.example.com:4460"],
  },
};
const pins = {
  "mail.example.com": ["192.0.2.1", "2001:db8::1"].map((address) => ({ address, seen: 0, newest: true })),
};
const given = {
  network,
  http: { host: "::", port: 8443 },
  pins,
  nameServers: ["192.0.2.53"],
  users: [{ set: "clock_users", uid: 33 } as const],
};

test("each caller's set holds the addresses of its own destinations", () => {
  expect(elementsOf(given)).toEqual({
    ...{ database4: [], database6: [], sms4: [], sms6: [], siem4: [], siem6: [], network_users: [] },
    email4: ["192.0.2.1 . 6 . 25"],
    email6: ["2001:db8::1 . 6 . 25", "2001:db8::7 . 6 . 587"],
    clock4: ["192.0.2.9 . 17 . 123", "192.0.2.1 . 6 . 4460"],
    clock6: ["2001:db8::1 . 6 . 4460"],
    resolver4: ["192.0.2.53 . 17 . 53", "192.0.2.53 . 6 . 53"],
    resolver6: [],
    front_door: ['"eth0" . 8443', '"eth1" . 8443'],
    front_door_port: ["8443"],
    clock_users: ["33"],
  });
  expect(namesOf(network)).toEqual(["mail.example.com"]);
});

describe("a change", () => {
  const sets = fc.record({
    a: fc.uniqueArray(fc.integer({ min: 0, max: 9 }).map(String)),
    b: fc.uniqueArray(fc.integer({ min: 0, max: 9 }).map(String)),
  });

  test("makes one into the other, and never names what is in both", () => {
    fc.assert(
      fc.property(sets, sets, (from, to) => {
        const now = { a: new Set(from.a), b: new Set(from.b) };
        for (const [, verb, set, all = ""] of change(from, to).matchAll(
          /^(add|delete) element inet silo (\w) { (.*) }$/gm,
        ))
          for (const element of all.split(", ")) {
            expect(now[set as "a" | "b"].has(element)).toBe(verb === "delete");
            if (verb === "add") now[set as "a" | "b"].add(element);
            else now[set as "a" | "b"].delete(element);
          }
        expect({ a: [...now.a].sort(), b: [...now.b].sort() }).toEqual({ a: to.a.toSorted(), b: to.b.toSorted() });
      }),
    );
  });

  test("to the same is nothing", () => {
    const elements: Elements = elementsOf(given);
    expect(change(elements, elements)).toBe("");
    expect(fill({ a: [] })).toBe("");
  });
});

describe("the frame", () => {
  const file = frame();

  test("has a set for everything that is filled, and no other", () => {
    const declared = [...file.matchAll(/^ {2}set (\w+)/gm)].map(([, name]) => name);
    expect(declared.sort()).toEqual(Object.keys(elementsOf(given)).sort());
  });

  test("numbers users as systemd/sysusers.d/silo.conf does", () => {
    const declared = readFileSync("systemd/sysusers.d/silo.conf", "utf8");
    const numbers = [...file.matchAll(/^define (\w+) = (7\d\d)$/gm)];
    expect(numbers.map(([, name]) => name)).toEqual([
      "ingress",
      "console",
      "database",
      "email",
      "sms",
      "resolver",
      "siem",
    ]);
    for (const [, name, number] of numbers) expect(declared).toMatch(new RegExp(`^u! +silo-${name} +${number} `, "m"));
  });

  test("names the users of all cells", () => {
    expect(file).toContain(`meta skuid ${allUids.first}-${allUids.last} counter drop comment "cells"`);
  });

  test("has room for all destinations before and after a change, each with all addresses it may have and those that linger", () => {
    const room = Number(/set email4 {.*size (\d+);/.exec(file)?.[1]);
    expect(room).toBeGreaterThanOrEqual(DESTINATIONS_MAX * ADDRESSES_MAX * 2 * 2);
    for (const caller of callers)
      expect(file).toContain(`set ${caller}4 { type ipv4_addr . inet_proto . inet_service; size ${room}; }`);
  });

  test("counts in every rule that decides, under a name no other rule of its chain has", () => {
    const deciding = file
      .split("\n")
      .filter((line) => /\b(accept|drop)\b/.test(line) && !/^ *(#|type filter)/.test(line));
    for (const line of deciding) expect(line).toMatch(/ counter (accept|drop) comment "[^"]+"$/);
  });
});

test("only users this machine has are let through for it", () => {
  const passwd = "root:x:0:0::/:\n_chrony:x:104:110::/:\nx_chrony:x:5:5::/:\n";
  expect(hostUsers(passwd)).toEqual([{ set: "clock_users", uid: 104 }]);
});
