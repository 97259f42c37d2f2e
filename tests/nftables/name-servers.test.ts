import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { closedNetwork, NAME_SERVERS_MAX } from "../../kernel/abi/network.ts";
import { nameServers } from "../../nftables/name-servers.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "names-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const system = (resolv: string | null, leased: string | null) => {
  const at = (name: string, text: string | null) => {
    if (text !== null) writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return nameServers(closedNetwork, at("resolv.conf", resolv), join(folder, "stub"), at("state", leased));
};

test("on a machine without resolv.conf(5) they are those of its leases", () => {
  expect(system(null, "OPER_STATE=routable\nDNS=192.0.2.53 2001:db8::53\nNTP=192.0.2.1\n")).toEqual([
    "192.0.2.53",
    "2001:db8::53",
  ]);
  expect(system(null, "OPER_STATE=off\n")).toEqual([]);
});

test("where there is one, it is believed", () => {
  expect(system("nameserver 192.0.2.1\n", "DNS=192.0.2.53\n")).toEqual(["192.0.2.1"]);
  expect(system("", "DNS=192.0.2.53\n")).toEqual([]);
});

test("there are no more than the firewall has room for", () => {
  const many = Array.from({ length: NAME_SERVERS_MAX + 1 }, (_, at) => `192.0.2.${at + 1}`).join(" ");
  expect(system(null, `DNS=${many}\n`)).toHaveLength(NAME_SERVERS_MAX);
});

test("without any source there are none", () => {
  expect(system(null, null)).toEqual([]);
});
