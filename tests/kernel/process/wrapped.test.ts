import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../../../kernel/process/config.ts";
import { KeystoreError, openKeystore } from "../../../kernel/process/keystore.ts";
import { secretsPlace, WRAPPING_KEY_BYTES, wrappedFiles } from "../../../kernel/process/wrapped.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "wrapped-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const key = Buffer.alloc(WRAPPING_KEY_BYTES, 7);
const secret = Buffer.from("canary-of-a-secret-0123456789");
const path = () => join(dir, "secrets", "signing");
const mustNot = () => {
  throw new Error("a second secret was made");
};

describe("a secret in a wrapped file", () => {
  test("is what the next process reads, and on the disk it is noise readable by its user alone", () => {
    openKeystore(dir, wrappedFiles(dir, key)).secret("signing", () => secret);
    expect(Buffer.from(openKeystore(dir, wrappedFiles(dir, key)).secret("signing", mustNot))).toEqual(secret);
    expect(readFileSync(path()).includes(secret)).toBe(false);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "secrets")).mode & 0o777).toBe(0o700);
  });

  test("is replaced whole, and nothing of the old one is left in the folder", () => {
    const keystore = openKeystore(dir, wrappedFiles(dir, key));
    keystore.secret("signing", () => secret);
    keystore.replace("signing", Buffer.from("next"));
    expect(Buffer.from(openKeystore(dir, wrappedFiles(dir, key)).secret("signing", mustNot)).toString()).toBe("next");
    expect(readdirSync(join(dir, "secrets"))).toEqual(["signing"]);
  });

  test("with any byte changed, or one missing, is refused and never made anew", () => {
    openKeystore(dir, wrappedFiles(dir, key)).secret("signing", () => secret);
    const whole = readFileSync(path());
    const attempt = () => openKeystore(dir, wrappedFiles(dir, key)).secret("signing", mustNot);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(path(), changed);
      expect(attempt).toThrow(KeystoreError);
    }
    for (const bytes of [0, 11, 27, whole.length - 1]) {
      writeFileSync(path(), whole.subarray(0, bytes));
      expect(attempt).toThrow(KeystoreError);
    }
  });

  test("is no other name's, no other appliance's, and no other key's", () => {
    const place = wrappedFiles(dir, key);
    place("a").write("signing", secret);
    writeFileSync(join(dir, "secrets", "log"), readFileSync(path()));
    expect(() => place("a").read("log")).toThrow(KeystoreError);
    expect(() => place("b").read("signing")).toThrow(KeystoreError);
    expect(() => wrappedFiles(dir, Buffer.alloc(WRAPPING_KEY_BYTES, 8))("a").read("signing")).toThrow(KeystoreError);
    expect(Buffer.from(place("a").read("signing") ?? [])).toEqual(secret);
  });

  test("that is not there is null; one that cannot be read is not", () => {
    const place = wrappedFiles(dir, key)("a");
    expect(place.read("signing")).toBeNull();
    place.write("log", secret);
    rmSync(join(dir, "secrets", "log"));
    writeFileSync(join(dir, "secrets", "x"), "");
    const inAFile = wrappedFiles(join(dir, "secrets", "x"), key)("a");
    expect(() => inAFile.read("signing")).toThrow(/cannot be read/);
  });

  test("has a name that is no path", () => {
    for (const name of ["../log", "", "A", "a/b"])
      expect(() => wrappedFiles(dir, key)("a").read(name)).toThrow(KeystoreError);
  });
});

describe("the wrapping key", () => {
  test.each([WRAPPING_KEY_BYTES - 1, WRAPPING_KEY_BYTES + 1])("of %i bytes is refused", (bytes) => {
    expect(() => wrappedFiles(dir, Buffer.alloc(bytes))).toThrow(KeystoreError);
  });

  test("is the credential keystore everywhere but in the trial; without it nothing starts", () => {
    const dirs = { credentials: dir };
    for (const mode of [undefined, "appliance", "untrusted"])
      expect(() => secretsPlace(dirs, dir, mode)).toThrow(ConfigError);
    expect(() => secretsPlace(dirs, dir, "trial")).not.toThrow();
    writeFileSync(join(dir, "keystore"), key);
    secretsPlace(dirs, dir, "appliance")("a").write("signing", secret);
    expect(readdirSync(join(dir, "secrets"))).toEqual(["signing"]);
  });
});
