import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { KeystoreError, openKeystore, type Place } from "../../../kernel/process/keystore.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "keystore-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A place in memory that counts what it holds; `kept` survives as the keyring survives a process. */
function memory(kept = new Map<string, Uint8Array>()): (appliance: string) => Place {
  return (appliance) => ({
    read: (name) => kept.get(`${appliance}/${name}`) ?? null,
    write: (name, secret) => void kept.set(`${appliance}/${name}`, secret),
  });
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const mustNot = () => {
  throw new Error("a second secret was made");
};

describe("a secret", () => {
  test("is made once and is the same for every later process", () => {
    const place = memory();
    expect(openKeystore(dir, place).secret("signing", () => bytes(1, 2))).toEqual(bytes(1, 2));
    expect(openKeystore(dir, place).secret("signing", mustNot)).toEqual(bytes(1, 2));
  });

  test("that was made and is gone is never made anew", () => {
    openKeystore(dir, memory()).secret("signing", () => bytes(1));
    const afterReboot = openKeystore(dir, memory());
    expect(() => afterReboot.secret("signing", mustNot)).toThrow(KeystoreError);
    expect(() => afterReboot.secret("signing", mustNot)).toThrow(/reboot/);
  });

  test("that was kept before a crash could note it is found again, and noted", () => {
    const kept = new Map<string, Uint8Array>();
    openKeystore(dir, memory(kept)).secret("first", () => bytes(9));
    const { appliance } = JSON.parse(readFileSync(join(dir, "keystore.json"), "utf8"));
    kept.set(`${appliance}/signing`, bytes(1));
    expect(openKeystore(dir, memory(kept)).secret("signing", mustNot)).toEqual(bytes(1));
    expect(() => openKeystore(dir, memory()).secret("signing", mustNot)).toThrow(/reboot/);
  });

  test("can be replaced, and the next process gets the new one", () => {
    const place = memory();
    const keystore = openKeystore(dir, place);
    keystore.secret("signing", () => bytes(1));
    keystore.replace("signing", bytes(2));
    expect(openKeystore(dir, place).secret("signing", mustNot)).toEqual(bytes(2));
  });

  test("of one appliance is not another's", () => {
    const other = mkdtempSync(join(tmpdir(), "keystore-"));
    const place = memory();
    openKeystore(dir, place).secret("signing", () => bytes(1));
    expect(openKeystore(other, place).secret("signing", () => bytes(2))).toEqual(bytes(2));
    rmSync(other, { recursive: true });
  });

  test("that cannot be read back after it was kept is a refusal to start", () => {
    const forgetful = () => ({ read: () => null, write: () => undefined });
    expect(() => openKeystore(dir, forgetful).secret("signing", () => bytes(1))).toThrow(KeystoreError);
  });

  test("is not made while the record of what was made is damaged", () => {
    for (const text of ["", "{", "{}", '{"appliance":"x","made":[]}', '{"appliance":"0123456789abcdef","made":{}}']) {
      writeFileSync(join(dir, "keystore.json"), text);
      expect(() => openKeystore(dir, memory())).toThrow(/damaged/);
    }
  });
});

describe("the Linux keyring", () => {
  const script = `
    import { openKeystore } from ${JSON.stringify(join(import.meta.dirname, "../../../kernel/process/keystore.ts"))};
    try {
      const keystore = openKeystore(process.argv[2]);
      console.log(Buffer.from(keystore.secret("signing", () => Buffer.from(process.argv[3]))).toString());
    } catch (error) { console.log(error.name, error.message); }
  `;
  const asUser = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"];
  const session = ["keyctl", "session", "-"];

  function run(prefix: string[], offered: string): string {
    const file = join(dir, "run.ts");
    writeFileSync(file, script);
    const argv = [...prefix, process.execPath, file, dir, offered];
    const { stdout, error } = spawnSync(argv[0] ?? "", argv.slice(1), { encoding: "utf8" });
    if (error) throw error;
    return stdout.trim();
  }

  beforeEach(() => chownSync(dir, 12345, 12345));
  // What stays in the keyring of a user counts against that user's quota until the next boot.
  afterAll(() => {
    const clear = [...session, "sh", "-c", "keyctl clear $(keyctl get_persistent @s)"];
    const [command = "", ...rest] = [...asUser, ...clear];
    expect(spawnSync(command, rest).status).toBe(0);
  });

  test("keeps a secret from one process to the next, also in another session", () => {
    expect(run([...asUser, ...session], "first")).toBe("first");
    expect(run([...asUser, ...session], "second")).toBe("first");
  });

  test("does not hand it to another user", () => {
    expect(run([...asUser, ...session], "first")).toBe("first");
    for (const path of [dir, join(dir, "keystore.json")]) chownSync(path, 12346, 12346);
    const other = ["setpriv", "--reuid", "12346", "--regid", "12346", "--clear-groups", "--"];
    expect(run([...other, ...session], "second")).toMatch(/^KeystoreError The secret signing was made earlier/);
  });

  test("is missed loudly by a process that has no session keyring", () => {
    const revoked = [...session, "sh", "-c", 'keyctl revoke @s && exec "$@"', "sh"];
    expect(run([...asUser, ...revoked], "first")).toMatch(
      /^KeystoreError The kernel keyring cannot be used .*keyctl session/,
    );
  });
});
