import { describe, expect, test } from "vitest";
import { ADDRESSES_MAX, type Answer, KEEP_MS, LINGER_MS, type Pins, pin } from "../../nftables/pins.ts";

const NAME = "mail.example.com";
const at = (before: Pins, answer: Answer, now: number) => pin(before, [NAME], { [NAME]: answer }, now);
const addresses = (pins: Pins) => (pins[NAME] ?? []).map(({ address }) => address);
const said = (...all: string[]): Answer => ({ addresses: all, ttl: 60 });
const silent: Answer = { error: "ETIMEOUT" };

describe("an address", () => {
  const first = at({}, said("192.0.2.1"), 0).pins;

  test("that is answered no more stays for LINGER_MS less one", () => {
    expect(addresses(at(first, said("192.0.2.2"), LINGER_MS - 1).pins)).toEqual(["192.0.2.2", "192.0.2.1"]);
  });
  test("and is gone at LINGER_MS", () => {
    expect(addresses(at(first, said("192.0.2.2"), LINGER_MS).pins)).toEqual(["192.0.2.2"]);
  });
  test("that lingers does not come back when nobody answers", () => {
    const second = at(first, said("192.0.2.2"), 1).pins;
    expect(addresses(at(second, silent, 2).pins)).toEqual(["192.0.2.2"]);
  });
  test("has one spelling", () => {
    expect(addresses(at({}, said("2001:DB8:0::1", "2001:db8::1"), 0).pins)).toEqual(["2001:db8::1"]);
  });
});

describe("a name nobody answers", () => {
  const first = at({}, said("192.0.2.1"), 0).pins;

  test("keeps its addresses for KEEP_MS less one, and says until when", () => {
    const { pins, complaints } = at(first, silent, KEEP_MS - 1);
    expect(addresses(pins)).toEqual(["192.0.2.1"]);
    expect(complaints).toEqual([expect.stringMatching(/ETIMEOUT.*1970-01-02T00:00:00/)]);
  });
  test("loses them at KEEP_MS, and says so", () => {
    const { pins, complaints } = at(first, silent, KEEP_MS);
    expect(addresses(pins)).toEqual([]);
    expect(complaints).toEqual([expect.stringContaining("nobody reaches it")]);
  });
  test("does not keep them longer for a clock that went back", () => {
    const { pins } = at({ [NAME]: [{ address: "192.0.2.1", seen: 9 * KEEP_MS, newest: true }] }, silent, KEEP_MS);
    expect(addresses(at(pins, silent, 2 * KEEP_MS).pins)).toEqual([]);
  });
  test("is not one that is configured no more: that is forgotten", () => {
    expect(pin(first, [], {}, 1)).toEqual({ pins: {}, complaints: [] });
  });
  test.each(["constructor", "__proto__"])("may be called %s", (name) => {
    expect(pin({}, [name], {}, 0).complaints).toEqual([expect.stringContaining("it was not asked")]);
  });
});

test.each([
  ...["0.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.169.254", "224.0.0.1", "239.1.1.1", "255.255.255.255"],
  ...["::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "febf::1", "ff02::1"],
])("an answer of %s is not let through", (address) => {
  const { pins, complaints } = at({}, said(address, "192.0.2.1"), 0);
  expect(addresses(pins)).toEqual(["192.0.2.1"]);
  expect(complaints).toHaveLength(1);
});

test.each(["10.0.0.1", "126.255.255.255", "128.0.0.0", "169.253.1.1", "223.255.255.255", "fec0::1", "fd00::1"])(
  "an answer of %s is",
  (address) => expect(addresses(at({}, said(address), 0).pins)).toEqual([address]),
);

test("takes as many addresses as there may be, and not one more", () => {
  const many = (count: number) => said(...Array.from({ length: count }, (_, place) => `192.0.2.${place}`));
  expect(at({}, many(ADDRESSES_MAX), 0)).toMatchObject({ complaints: [] });
  const { pins, complaints } = at({}, many(ADDRESSES_MAX + 1), 0);
  expect(addresses(pins)).toHaveLength(ADDRESSES_MAX);
  expect(complaints).toHaveLength(1);
});
