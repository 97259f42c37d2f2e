import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keeperOf, untrustedMark } from "../../../console/boot/keeper.ts";
import { empty, openGiven, openKeystores } from "../../../console/boot/secrets.ts";
import { LaunchError } from "../../../console/up/launch-error.ts";
import { KeystoreError, openKeystore } from "../../../kernel/process/keystore.ts";
import { WRAPPING_KEY_BYTES, wrappedFiles } from "../../../kernel/process/wrapped.ts";
import { type Machine, makeMachine } from "./measured.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let machine: Machine;
let folder: string;
let folders: { state: string; store: string };

beforeEach(() => {
  machine = makeMachine();
  machine.boot();
  folder = mkdtempSync(join(tmpdir(), "secrets-"));
  folders = { state: join(folder, "var"), store: join(folder, "store") };
  for (const name of ["var/sealed", "var/kernel", "var/vault", "store"])
    mkdirSync(join(folder, name), { recursive: true });
});
afterEach(() => {
  machine.remove();
  rmSync(folder, { recursive: true, force: true });
});

const keeper = () => keeperOf(folders.state, machine.tpm).keeper;
const inStore = (name: string) => readFileSync(join(folders.store, name));
const sealedPath = (name: string) => join(folders.state, "sealed", name);

test("each process that keeps secrets gets a wrapping key of its own: made once, sealed, the same at every boot", () => {
  openKeystores(folders, keeper());
  const [kernel, vault] = [inStore("silo.kernel.keystore"), inStore("silo.vault.keystore")];
  expect(kernel.length).toBe(WRAPPING_KEY_BYTES);
  expect(kernel).not.toEqual(vault);
  expect(statSync(join(folders.store, "silo.kernel.keystore")).mode & 0o777).toBe(0o400);
  expect(readFileSync(sealedPath("silo.kernel.keystore")).includes(kernel)).toBe(false);
  machine.restart();
  machine.boot();
  empty(folders.store);
  expect(readdirSync(folders.store)).toEqual([]);
  openKeystores(folders, keeper());
  expect(inStore("silo.kernel.keystore")).toEqual(kernel);
  expect(inStore("silo.vault.keystore")).toEqual(vault);
});

test("one that was lost is another one then, and its process does not start on what the lost one wrapped", () => {
  openKeystores(folders, keeper());
  const own = join(folders.state, "kernel");
  openKeystore(own, wrappedFiles(own, inStore("silo.kernel.keystore"))).secret("log", () => Buffer.alloc(32, 1));
  rmSync(sealedPath("silo.kernel.keystore"));
  empty(folders.store);
  openKeystores(folders, keeper());
  const again = openKeystore(own, wrappedFiles(own, inStore("silo.kernel.keystore")));
  expect(() => again.secret("log", () => Buffer.alloc(32, 2))).toThrow(KeystoreError);
});

test("one that stands in the other's place does not open", () => {
  openKeystores(folders, keeper());
  writeFileSync(sealedPath("silo.kernel.keystore"), readFileSync(sealedPath("silo.vault.keystore")));
  empty(folders.store);
  expect(() => openKeystores(folders, keeper())).toThrow(LaunchError);
});

test("what an administrator gave is opened beside them, and nothing else that lies there", () => {
  const name = "silo.email.smtp.json";
  writeFileSync(sealedPath(name), keeper().close(name, Buffer.from('{"host":"mail"}')));
  writeFileSync(sealedPath(`${name}.new`.replace("silo", "torn")), "half");
  openKeystores(folders, keeper());
  openGiven(folders, keeper());
  expect(inStore(name).toString()).toBe('{"host":"mail"}');
  expect(readdirSync(folders.store).sort()).toEqual([name, "silo.kernel.keystore", "silo.vault.keystore"]);
});

describe("a machine without a TPM", () => {
  test("is refused", () => {
    expect(() => keeperOf(folders.state, null)).toThrow(LaunchError);
  });

  test("runs where an administrator chose so, says it, and stays so though a TPM comes", () => {
    writeFileSync(untrustedMark(folders.state), "");
    expect(keeperOf(folders.state, null).mode).toBe("untrusted");
    expect(keeperOf(folders.state, machine.tpm).mode).toBe("untrusted");
    openKeystores(folders, keeperOf(folders.state, null).keeper);
    expect(inStore("silo.kernel.keystore")).toEqual(readFileSync(sealedPath("silo.kernel.keystore")));
  });
});
