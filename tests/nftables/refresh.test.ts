/** Names and their addresses over time, on a machine with a real name server outside. */
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Elements } from "../../nftables/elements.ts";
import type { Refreshed } from "../../nftables/firewall.ts";
import { KEEP_MS, LINGER_MS } from "../../nftables/pins.ts";
import { openRig, type Rig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({
    ...{ interfaces: [], resolver: ["10.9.0.2"] },
    destinations: { email: ["mail.example.com:25", "mail.example.com:26/udp"] },
  });
});
afterAll(() => rig.close());

const refresh = (later_ms = 0) => rig.machine("refresh", String(later_ms)) as Refreshed;
const email = () => {
  const { email4 = [], email6 = [] } = rig.machine("elements") as Elements;
  return [...email4, ...email6].filter((element) => element.endsWith(" . 6 . 25"));
};

test("a refresh without a firewall refuses: it does not make half of one", () => {
  expect(() => refresh()).toThrow(/silo firewall apply/);
});

test("addresses come from the name server, those of nobody and of this machine do not", () => {
  rig.machine("apply");
  rig.answer({ "mail.example.com": ["10.9.0.2", "127.0.0.1", "169.254.169.254", "2001:db8:9::2", "fe80::1"] });
  expect(refresh()).toEqual({ complaints: [expect.stringContaining("mail.example.com")], again_ms: 60_000 });
  expect(email()).toEqual(["10.9.0.2 . 6 . 25", "2001:db8:9::2 . 6 . 25"]);
});

test("processes that may ask nobody find the names in the hosts file", () => {
  const path = `${rig.root}/run/firewall/hosts`;
  expect(readFileSync(path, "utf8")).toContain("10.9.0.2 mail.example.com\n2001:db8:9::2 mail.example.com\n");
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

test("an address that is answered no more lingers, and then is let go", () => {
  rig.answer({ "mail.example.com": ["10.9.0.3"] });
  refresh(LINGER_MS / 2);
  expect(email()).toEqual(["10.9.0.3 . 6 . 25", "10.9.0.2 . 6 . 25", "2001:db8:9::2 . 6 . 25"].sort());
  expect(readFileSync(`${rig.root}/run/firewall/hosts`, "utf8")).not.toContain("10.9.0.2");
  refresh(2 * LINGER_MS);
  expect(email()).toEqual(["10.9.0.3 . 6 . 25"]);
});

test("a name that is not answered keeps its addresses for a while, loudly, and over a new start", () => {
  rig.answer({});
  expect(refresh(3 * LINGER_MS).complaints).toEqual([
    expect.stringMatching(/ENOTFOUND.*its last addresses stay until/),
  ]);
  rig.machine("apply");
  expect(email()).toEqual(["10.9.0.3 . 6 . 25"]);
  expect(refresh(2 * LINGER_MS + KEEP_MS + 10_000).complaints).toEqual([expect.stringContaining("nobody reaches it")]);
  expect(email()).toEqual([]);
});

test("50 refreshes and 50 applications: no packet to the right place fails, none to a foreign one passes", async () => {
  rig.answer({ "mail.example.com": ["10.9.0.2"] });
  refresh();
  const { sent, rightFailed, foreignPassed } = await stormDuring("churn");
  expect({ rightFailed, foreignPassed }).toEqual({ rightFailed: 0, foreignPassed: 0 });
  expect(sent).toBeGreaterThan(1_000);
}, 120_000);

test("while the whole is loaded 20 times nothing passes to a foreign place: a gap, if there is one, is closed", async () => {
  expect(await stormDuring("reload")).toMatchObject({ foreignPassed: 0 });
}, 120_000);

type Storm = { sent: number; rightFailed: number; foreignPassed: number };

async function stormDuring(verb: string): Promise<Storm> {
  const storm = await rig.start("machine", "node", "tests/nftables/storm-inside.ts");
  rig.machine(verb);
  const said = once(storm.stdout as Readable, "data");
  storm.kill("SIGTERM");
  const [text] = (await said) as [Buffer];
  return JSON.parse(text.toString()) as Storm;
}
