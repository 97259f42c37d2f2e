/** The list of parts of an image in CycloneDX 1.6: Debian's packages and npm's, each with its package URL. */
import type { Locked } from "./product.ts";

/** @param debian what finish-appliance.sh noted: a line per package, name, version, architecture, source and its version, tab-separated */
export function listOfParts(
  version: string,
  debian: string,
  npm: readonly (readonly [folder: string, locked: Locked])[],
): object {
  const parts = [...debian.trimEnd().split("\n").map(debianPart), ...npm.map(npmPart)];
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "operating-system", name: "silo", version, "bom-ref": "silo" } },
    components: parts,
    dependencies: [{ ref: "silo", dependsOn: parts.map((part) => part["bom-ref"]) }],
  };
}

function debianPart(line: string) {
  const [name = "", version = "", architecture = "", source = "", sourceVersion = ""] = line.split("\t");
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-13`;
  const properties = [{ name: "debian:source", value: `${source} ${sourceVersion}` }];
  return { type: "library", "bom-ref": purl, name, version, purl, properties };
}

function npmPart([folder, { version, integrity, license, name: real }]: readonly [string, Locked]) {
  const name = real ?? folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const hashes = integrity === undefined ? [] : [{ alg: "SHA-512", content: hexOf(integrity) }];
  const licenses = license === undefined ? [] : [{ expression: license }];
  return { type: "library", "bom-ref": purl, name, version, purl, hashes, licenses };
}

/** @param integrity as in a lock file: `sha512-` and base64 */
function hexOf(integrity: string): string {
  return Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
}
