/** The SMSC's credential: no text crosses a network in the clear, and what is wrong is not what is missing. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../../../kernel/process/config.ts";
import { readCredential } from "../../../proxies/sms/credential.ts";

let credentials = "";
beforeEach(() => {
  credentials = mkdtempSync(join(tmpdir(), "silo-credential-"));
});
afterEach(() => rmSync(credentials, { recursive: true }));

const good = {
  host: "smsc.example.org",
  port: 3550,
  tls: "implicit",
  system_id: "silo",
  password: "secret",
  from: "Shop",
  receipt_ids: "same",
  receipts_carry_reference: false,
};
function read(change: object) {
  writeFileSync(join(credentials, "smpp.json"), JSON.stringify({ ...good, ...change }));
  return readCredential({ credentials });
}

test("none is none", () => {
  expect(readCredential({ credentials })).toBeUndefined();
});

test("an SMSC elsewhere is spoken to with TLS", () => {
  expect(read({})).toEqual(good);
  expect(read({ system_type: "VMA" })).toMatchObject({ system_type: "VMA" });
});

test("only an SMSC, or a tunnel's end, on this machine may go without", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1"])
    expect(read({ host, tls: "none" })).toMatchObject({ tls: "none" });
  for (const host of ["smsc.example.org", "10.0.0.1", "localhost", "127.0.0.1.example.org"])
    expect(() => read({ host, tls: "none" })).toThrow(ConfigError);
});

test("lengths of SMPP hold at N and not at N+1", () => {
  expect(read({ system_id: "s".repeat(15), password: "p".repeat(8), system_type: "t".repeat(12) })).toBeDefined();
  expect(() => read({ system_id: "s".repeat(16) })).toThrow(ConfigError);
  expect(() => read({ password: "p".repeat(9) })).toThrow(ConfigError);
  expect(() => read({ system_type: "t".repeat(13) })).toThrow(ConfigError);
});

test.each([
  ["no TLS setting", { tls: undefined }],
  ["a sender that is none", { from: "Shop of shops" }],
  ["an account with a zero in it", { system_id: "si\0lo" }],
  ["no word on receipts", { receipt_ids: undefined }],
  ["a spare member", { debug: true }],
])("%s stops the process", (_, change) => {
  expect(() => read(change)).toThrow(ConfigError);
});
