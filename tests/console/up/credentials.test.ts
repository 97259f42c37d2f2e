/** Credentials: what was configured is given to the one it is for, and what was not is not made up. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAccounts } from "../../../console/up/accounts.ts";
import { giveCredentials, makeCredentials } from "../../../console/up/credentials.ts";
import { services } from "../../../console/up/processes.ts";

let scratch = "";
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "silo-credentials-"));
  for (const { name } of services) mkdirSync(join(scratch, "credentials", name), { recursive: true });
});
afterEach(() => rmSync(scratch, { recursive: true }));

const outside = { database: {}, smtp: {} };
const make = (given: Parameters<typeof makeCredentials>[0]["outside"]) =>
  makeCredentials({ state: scratch, people: [], frontends: [], outside: given }, ["sms"]);
const sms = services.find(({ name }) => name === "sms") as (typeof services)[number];

test("without an SMSC the sms proxy gets its permit key and nothing else", async () => {
  const made = await make(outside);
  expect(made.get("sms/permit")).toEqual(made.get("kernel/permit-sms"));
  giveCredentials(sms, made, scratch, readAccounts());
  expect(statSync(join(scratch, "credentials/sms/permit")).mode & 0o777).toBe(0o400);
  expect(() => statSync(join(scratch, "credentials/sms/smpp.json"))).toThrow();
});

test("with one it gets what it signs in with, readable by it alone", async () => {
  const accounts = readAccounts();
  giveCredentials(sms, await make({ ...outside, smpp: { host: "127.0.0.1" } }), scratch, accounts);
  const path = join(scratch, "credentials/sms/smpp.json");
  expect(readFileSync(path, "utf8")).toBe('{"host":"127.0.0.1"}');
  expect(statSync(path)).toMatchObject({ uid: accounts.uid("silo-sms"), mode: 0o100400 });
});

test("the exporter gets what the administrator left for it, and nothing where there is none", async () => {
  const siem = services.find(({ name }) => name === "siem") as (typeof services)[number];
  giveCredentials(siem, await make(outside), scratch, readAccounts());
  expect(() => statSync(join(scratch, "credentials/siem/siem.json"))).toThrow();
  mkdirSync(join(scratch, "console"), { recursive: true });
  writeFileSync(join(scratch, "console/siem.json"), '{"token":"t"}');
  giveCredentials(siem, await make(outside), scratch, readAccounts());
  expect(statSync(join(scratch, "credentials/siem/siem.json"))).toMatchObject({
    uid: readAccounts().uid("silo-siem"),
    mode: 0o100400,
  });
});

test("a credential that must be there and is not stops the start", async () => {
  const email = services.find(({ name }) => name === "email") as (typeof services)[number];
  const made = await make(outside);
  expect(() => giveCredentials(email, made, scratch, readAccounts())).toThrow(
    /No credential permit was made for email/,
  );
});
