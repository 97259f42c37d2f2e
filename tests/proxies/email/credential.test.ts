/** The mail server's credential: no message crosses a network in the clear. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../../../kernel/process/config.ts";
import { readCredential } from "../../../proxies/email/credential.ts";

let credentials = "";
beforeEach(() => {
  credentials = mkdtempSync(join(tmpdir(), "silo-credential-"));
});
afterEach(() => rmSync(credentials, { recursive: true }));

const good = { host: "mail.example.org", port: 587, tls: "starttls", from: "a@example.org", domain: "example.org" };
function read(change: object) {
  writeFileSync(join(credentials, "smtp.json"), JSON.stringify({ ...good, ...change }));
  return readCredential({ credentials });
}

test("a server elsewhere is spoken to with TLS", () => {
  expect(read({})).toEqual(good);
  expect(read({ tls: "implicit", port: 465 })).toMatchObject({ tls: "implicit" });
});

test("only a server on this machine may go without", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1"])
    expect(read({ host, tls: "none" })).toMatchObject({ tls: "none" });
  for (const host of ["mail.example.org", "10.0.0.1", "localhost", "127.0.0.1.example.org", "127.evil.example"])
    expect(() => read({ host, tls: "none" })).toThrow(ConfigError);
});

test.each([
  ["no TLS setting", { tls: undefined }],
  ["a user without a password", { user: "a" }],
  ["a password without a user", { password: "a" }],
  ["a spare member", { debug: true }],
  ["a sender that is a list", { from: "a@example.org, b@example.org" }],
  ["a domain with a line end", { domain: "example.org\r\n" }],
])("%s stops the process", (_, change) => {
  expect(() => read(change)).toThrow(ConfigError);
});
