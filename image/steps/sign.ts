/** How what a firmware starts is signed: with a key in a file, or one in a token that a PKCS#11 URI names. */
import type { Keys } from "../keys.ts";
import { run } from "./tool.ts";

const SBSIGN = "/usr/lib/systemd/systemd-sbsign";
const inToken = (key: string) => key.startsWith("pkcs11:");

/** ukify's options. The kernel inside needs no signature of its own: nothing starts it but the stub that measured it. */
export function signers({ secureBoot, pcr }: Keys): string[] {
  return [
    "--signtool=systemd-sbsign",
    "--no-sign-kernel",
    ...(inToken(secureBoot.key) || inToken(pcr.key) ? ["--signing-provider=pkcs11"] : []),
    `--secureboot-private-key=${secureBoot.key}`,
    `--secureboot-certificate=${secureBoot.certificate}`,
    `--pcr-private-key=${pcr.key}`,
    `--pcr-public-key=${pcr.publicKey}`,
  ];
}

/** Signs one EFI program. */
export function sign(program: string, { secureBoot }: Keys, output: string): void {
  run(
    SBSIGN,
    "sign",
    ...(inToken(secureBoot.key) ? ["--private-key-source=provider:pkcs11"] : []),
    `--private-key=${secureBoot.key}`,
    `--certificate=${secureBoot.certificate}`,
    `--output=${output}`,
    program,
  );
}

/** Signs a file of a release, detached. Checked with: openssl pkeyutl -verify -rawin -pubin -inkey release.pub -in FILE -sigfile FILE.sig */
export function signRelease(path: string, { release }: Keys, output: string): void {
  const provider = inToken(release.key) ? ["-provider", "pkcs11", "-provider", "default"] : [];
  run("openssl", "pkeyutl", "-sign", "-rawin", ...provider, "-inkey", release.key, "-in", path, "-out", output);
}
