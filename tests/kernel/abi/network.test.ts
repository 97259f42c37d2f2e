import { describe, expect, test } from "vitest";
import { closedNetwork, networkFault, parseDestination } from "../../../kernel/abi/network.ts";

describe("a destination", () => {
  test.each([
    ["mail.example.com:25", { host: "mail.example.com", port: 25, protocol: "tcp" }],
    ["MAIL.Example.com:25", { host: "mail.example.com", port: 25, protocol: "tcp" }],
    ["mail:65535/tcp", { host: "mail", port: 65_535, protocol: "tcp" }],
    ["192.0.2.1:1/udp", { host: "192.0.2.1", port: 1, protocol: "udp" }],
    ["[2001:DB8:0:0::1]:25", { host: "2001:db8::1", port: 25, protocol: "tcp" }],
  ])("%s is one", (text, destination) => expect(parseDestination(text)).toEqual(destination));

  test.each([
    ...[
      "",
      "mail",
      "mail:",
      ":25",
      "mail:0",
      "mail:65536",
      "mail:025",
      "mail:25/icmp",
      "mail:25 ",
      " mail:25",
      "mail:25\n",
    ],
    ...[
      "-mail:25",
      "mail-:25",
      "a..b:25",
      ".a:25",
      "a.:25",
      "ma_il:25",
      "mäil:25",
      "mail;drop:25",
      "mail}:25",
      `${"a".repeat(64)}:25`,
    ],
    ...[
      "192.0.2:25",
      "192.0.2.256:25",
      "0x7f.1:25x",
      "1:25",
      "example.1:25",
      "2001:db8::1:25",
      "[192.0.2.1]:25",
      "[fe80::1%eth0]:25",
    ],
  ])("%j is none", (text) => expect(parseDestination(text)).toBeUndefined());

  test("has a name of 253 characters and not of one more", () => {
    const name = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;
    expect(parseDestination(`${name}:25`)?.host).toHaveLength(253);
    expect(parseDestination(`${name}e:25`)).toBeUndefined();
  });
});

describe("a fault", () => {
  test("of nothing is none", () => expect(networkFault(closedNetwork)).toBeUndefined());

  test("names its place", () => {
    const destinations = { email: ["mail:25"], sms: ["smsc:2775", "smsc"] };
    expect(networkFault({ ...closedNetwork, destinations })).toMatch(/^\/network\/destinations\/sms\/1 /);
    expect(networkFault({ ...closedNetwork, resolver: ["192.0.2.53", "dns"] })).toMatch(/^\/network\/resolver\/1 /);
  });
});
