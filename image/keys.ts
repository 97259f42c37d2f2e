/**
 * The keys of a build: Secure Boot (PK, KEK and db), the policy over PCR 11, and the one that signs what is published. Runs in the
 * workshop.
 *
 * Threat: whoever has them makes images that appliances take for ours.
 * Contract: trial keys are made once, outside the checkout, readable by root alone; no private key is copied anywhere.
 * Failure: throws; a folder with some of them is refused, since another key in their place would shut every appliance out.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./steps/tool.ts";

/** A private key is a file (`NAME.key`) or what the PKCS#11 URI in `NAME.pkcs11` names; the rest are files. */
export type Keys = {
  folder: string;
  secureBoot: { key: string; certificate: string };
  pcr: { key: string; publicKey: string };
  release: { key: string; publicKey: string };
};

/** Names us as the owner of the certificates in a firmware's lists. */
export const OWNER = "5110050a-0000-4000-8000-00000000beef";
/** What a firmware in setup mode enrols, each list signed by the key before it. */
export const ENROLLED = ["PK", "KEK", "db"] as const;
const SIGNER = { PK: "PK", KEK: "PK", db: "KEK" } as const;
const DAYS = "7300";
/** What every firmware can verify. */
const RSA = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const ED25519 = ["-algorithm", "ED25519"];

/** The keys in `folder`. Throws, naming the file, where one is missing. */
export function readKeys(folder: string): Keys {
  const file = (name: string) => {
    if (!existsSync(join(folder, name)))
      throw new Error(`${join(folder, name)} is missing: the folder needs every key.`);
    return join(folder, name);
  };
  const key = (name: string) => {
    const uri = join(folder, `${name}.pkcs11`);
    return existsSync(uri) ? readFileSync(uri, "utf8").trim() : file(`${name}.key`);
  };
  return {
    folder,
    secureBoot: { key: key("db"), certificate: file("db.crt") },
    pcr: { key: key("pcr"), publicKey: file("pcr.pub") },
    release: { key: key("release"), publicKey: file("release.pub") },
  };
}

/** Makes trial keys in a folder that is empty or not there. @returns whether it did */
export function makeKeys(folder: string): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0) return false;
  chmodSync(folder, 0o700);
  const at = (name: string) => join(folder, name);
  for (const name of ENROLLED) certified(at, name);
  for (const name of ENROLLED) enrolment(at, name);
  pair(at, "pcr", RSA);
  pair(at, "release", ED25519);
  return true;
}

type At = (name: string) => string;

function certified(at: At, name: string): void {
  makeKey(at(`${name}.key`), RSA);
  const subject = ["-subj", `/CN=SiloOS ${name}/`, "-days", DAYS];
  run("openssl", "req", "-x509", "-new", "-key", at(`${name}.key`), "-out", at(`${name}.crt`), ...subject);
}

function pair(at: At, name: string, algorithm: readonly string[]): void {
  makeKey(at(`${name}.key`), algorithm);
  run("openssl", "pkey", "-in", at(`${name}.key`), "-pubout", "-out", at(`${name}.pub`));
}

function makeKey(path: string, algorithm: readonly string[]): void {
  run("openssl", "genpkey", "-quiet", ...algorithm, "-out", path);
  chmodSync(path, 0o600);
}

function enrolment(at: At, name: (typeof ENROLLED)[number]): void {
  const [der, list, signer] = [at(`${name}.der`), at(`${name}.esl`), SIGNER[name]];
  run("openssl", "x509", "-in", at(`${name}.crt`), "-outform", "DER", "-out", der);
  run("sbsiglist", "--owner", OWNER, "--type", "x509", "--output", list, der);
  run(
    "sbvarsign",
    "--key",
    at(`${signer}.key`),
    "--cert",
    at(`${signer}.crt`),
    "--output",
    at(`${name}.auth`),
    name,
    list,
  );
  for (const path of [der, list]) rmSync(path);
}
