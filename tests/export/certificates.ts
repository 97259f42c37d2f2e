/** An authority, a receiver and a sender it vouches for, and a sender it does not: files in a folder. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Credential } from "../../proxies/siem/credential.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
const LEAF = [
  "-addext",
  "basicConstraints=critical,CA:FALSE",
  "-addext",
  "subjectAltName=IP:127.0.0.1,DNS:siem.silo.test",
];

export type Certificates = { folder: string; sender: Credential; stranger: Credential };

export function makeCertificates(folder: string): Certificates {
  const path = (name: string) => join(folder, name);
  const make = (name: string, ...rest: string[]) =>
    execFileSync(
      "openssl",
      ["req", "-x509", ...KEY, "-keyout", path(`${name}.key`), "-out", path(`${name}.pem`), ...rest],
      { stdio: "pipe" },
    );
  const under = (authority: string, name: string, subject: string) =>
    make(name, "-CA", path(`${authority}.pem`), "-CAkey", path(`${authority}.key`), "-subj", subject, ...LEAF);
  for (const authority of ["ca", "other"]) make(authority, "-subj", `/CN=${authority}`);
  under("ca", "receiver", "/CN=127.0.0.1");
  under("ca", "sender", "/CN=siem.silo.test");
  under("other", "stranger", "/CN=siem.silo.test");
  const text = (name: string) => readFileSync(path(name), "utf8");
  const credential = (name: string) => ({
    ca: text("ca.pem"),
    certificate: text(`${name}.pem`),
    key: text(`${name}.key`),
  });
  return { folder, sender: credential("sender"), stranger: credential("stranger") };
}
