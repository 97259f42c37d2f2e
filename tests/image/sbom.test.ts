import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { listOfParts } from "../../image/sbom.ts";

const DEBIAN = "libc6\t2.41-12\tamd64\tglibc\t2.41-12\ng++\t4:14\tamd64\tgcc-defaults\t1.2\n";
const digest = createHash("sha512").update("x");
const integrity = `sha512-${digest.copy().digest("base64")}`;
const npm = [
  ["node_modules/@napi-rs/keyring", { version: "2.1.2", license: "MIT", integrity }],
  ["node_modules/uWebSockets.js", { version: "20.57.0", name: "@btc-vision/uwebsockets.js" }],
] as const;

test("each part has a package URL, an alias its real name, and is what the image depends on", () => {
  const list = listOfParts("1.2.3", DEBIAN, npm) as {
    components: { purl: string }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  const urls = [
    "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13",
    "pkg:deb/debian/g%2B%2B@4%3A14?arch=amd64&distro=debian-13",
    "pkg:npm/%40napi-rs/keyring@2.1.2",
    "pkg:npm/%40btc-vision/uwebsockets.js@20.57.0",
  ];
  expect(list.components.map(({ purl }) => purl)).toEqual(urls);
  expect(list.dependencies).toEqual([{ ref: "silo", dependsOn: urls }]);
});

test("npm's digests and licences and Debian's sources are told", () => {
  const { components } = listOfParts("1.2.3", DEBIAN, npm) as { components: object[] };
  expect(components[0]).toMatchObject({ properties: [{ name: "debian:source", value: "glibc 2.41-12" }] });
  expect(components[2]).toMatchObject({
    hashes: [{ alg: "SHA-512", content: digest.copy().digest("hex") }],
    licenses: [{ expression: "MIT" }],
  });
});
