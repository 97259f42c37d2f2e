/** Real seals of a TPM in software. What each policy lets through is in the attacks: take one PCR out of tpm.ts and its attack opens the secret. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkMeasured, seal, shut, unseal } from "../../../console/boot/tpm.ts";
import { LaunchError } from "../../../console/up/launch-error.ts";
import { type Machine, makeMachine } from "./measured.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const NAME = "silo.kernel.keystore";
const secret = Buffer.from("canary-of-a-wrapping-key-0123456");
let machine: Machine;

beforeEach(() => {
  machine = makeMachine();
});
afterEach(() => machine.remove());

const open = (sealed: Buffer, name = NAME) => unseal(machine.tpm, name, sealed);

function sealedAtBoot(): Buffer {
  machine.boot();
  return seal(machine.tpm, NAME, secret);
}

test("a secret opens in the boot that sealed it, and in the next", () => {
  const sealed = sealedAtBoot();
  expect(sealed.includes(secret)).toBe(false);
  expect(open(sealed)).toEqual(secret);
  machine.restart();
  machine.boot();
  expect(open(sealed)).toEqual(secret);
});

test("after the TPM was shut nothing opens until the machine starts again; what is sealed then opens then", () => {
  const sealed = sealedAtBoot();
  shut(machine.tpm);
  expect(() => open(sealed)).toThrow(LaunchError);
  const later = seal(machine.tpm, NAME, secret);
  expect(() => open(later)).toThrow(LaunchError);
  machine.restart();
  machine.boot();
  expect(open(sealed)).toEqual(secret);
  expect(open(later)).toEqual(secret);
});

describe("stays shut", () => {
  test("with Secure Boot off", () => {
    const sealed = sealedAtBoot();
    machine.restart();
    machine.measure(7, "secure boot is off");
    for (const part of [".linux\0", "a unified kernel image"]) machine.measure(11, part);
    expect(() => open(sealed)).toThrow(LaunchError);
  });

  test("with something added to the boot: a command line, a credential, an add-on", () => {
    const sealed = sealedAtBoot();
    machine.restart();
    machine.boot();
    machine.measure(12, "init=/bin/sh");
    expect(() => open(sealed)).toThrow(LaunchError);
  });

  test("with another image that the same Secure Boot key has signed", () => {
    const sealed = sealedAtBoot();
    machine.restart();
    machine.measure(7, "secure boot is on");
    for (const part of [".linux\0", "another unified kernel image"]) machine.measure(11, part);
    expect(() => open(sealed)).toThrow(LaunchError);
  });

  test("in another machine", () => {
    const sealed = sealedAtBoot();
    const other = makeMachine();
    try {
      other.boot();
      expect(() => unseal({ ...machine.tpm, device: other.tpm.device }, NAME, sealed)).toThrow(LaunchError);
    } finally {
      other.remove();
    }
  });

  test("under another name", () => {
    const sealed = sealedAtBoot();
    expect(() => open(sealed, "silo.vault.keystore")).toThrow(LaunchError);
  });
});

describe("a TPM in which nothing was measured", () => {
  test.each([
    ["the firmware", () => machine.measure(11, "x")],
    ["the boot image", () => machine.measure(7, "x")],
  ])("by %s seals and opens nothing", (what, measure) => {
    measure();
    expect(() => checkMeasured(machine.tpm)).toThrow(what);
    expect(() => seal(machine.tpm, NAME, secret)).toThrow(what);
    expect(() => open(Buffer.from("sealed"))).toThrow(what);
  });

  test("that is not there says so", () => {
    expect(() => checkMeasured({ ...machine.tpm, device: "swtpm:path=/nowhere" })).toThrow(LaunchError);
  });
});
