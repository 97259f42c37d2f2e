import { expect, test } from "vitest";
import { addresses } from "../../../console/boot/addresses.ts";
import { type Found, page } from "../../../console/boot/page.ts";

const found: Found = {
  version: "1.2.3",
  mode: "appliance",
  lowered: [],
  addresses: ["192.0.2.7"],
  units: [
    { name: "kernel", state: "active", sub: "running", status: "3 tasks" },
    { name: "email", state: "failed", sub: "failed", status: "The credential permit is missing." },
  ],
  recoveryKey: null,
  isRecoveryConfirmed: true,
};

test("it says what the machine is, where it is, and what does not run and why", () => {
  const text = page(found);
  for (const word of ["SiloOS 1.2.3", "sealed to the TPM", "192.0.2.7", "running      3 tasks"])
    expect(text).toContain(word);
  expect(text).toMatch(/^! email +failed +The credential permit is missing\.$/m);
  expect(text).not.toMatch(/recovery/i);
});

test("the recovery key stands there in the boot that made it; until somebody confirms it, every boot says so", () => {
  const key = "cbedefgh-ijklnrtu-cbedefgh-ijklnrtu-cbedefgh-ijklnrtu-cbedefgh-ijklnrtu";
  const first = page({ ...found, recoveryKey: key, isRecoveryConfirmed: false });
  expect(first).toContain(`    ${key}`);
  expect(first).toMatch(/never again/);
  const later = page({ ...found, isRecoveryConfirmed: false });
  expect(later).not.toContain(key);
  expect(later).toMatch(/Nobody has confirmed/);
});

test("an untrusted machine says so first, and what that means", () => {
  const text = page({
    ...found,
    mode: "untrusted",
    lowered: ["UNTRUSTED: the disk is not encrypted."],
    isRecoveryConfirmed: false,
  });
  expect(text).toMatch(/trust: +UNTRUSTED/);
  expect(text).toContain("! UNTRUSTED: the disk is not encrypted.");
  expect(text).not.toMatch(/Nobody has confirmed/);
});

test("a start that was refused is not called a start", () => {
  expect(page({ ...found, mode: null })).toContain("the start was refused");
  expect(page({ ...found, mode: null, units: [] })).toContain("trust:     starting");
});

test("its addresses are those that others reach", () => {
  const one = (address: string, family: "IPv4" | "IPv6", internal = false) =>
    ({ address, family, internal, netmask: "", mac: "", cidr: null }) as never;
  const all = {
    lo: [one("127.0.0.1", "IPv4", true)],
    eth0: [one("fe80::1", "IPv6"), one("2001:db8::1", "IPv6"), one("192.0.2.7", "IPv4")],
  };
  expect(addresses(all)).toEqual(["192.0.2.7", "2001:db8::1"]);
});
