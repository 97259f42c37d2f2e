/**
 * The public attack vectors for JSON Web Signatures (Wycheproof) against the verifier. They lie beside the checkout, so this file runs on the host.
 *
 * Their payloads are no claims of ours, so none of them may be a key, valid or not. What each says about signatures is asked twice more: of
 * the library under the options the verifier pins, and of the verifier with the vector's signature under a key's own claims.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CryptoKey, calculateJwkThumbprint, compactVerify, importJWK, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import { BASE_TYP } from "../../../kernel/abi/claims.ts";
import { canonical } from "../../../kernel/abi/json.ts";
import { importPublicKeys, type PublicKeys, verifyBase, verifyTask } from "../../../kernel/abi/keys.ts";
import { b64, ISSUER, NOW, signed, withClaims } from "../../kernel/abi/key-world.ts";

type Vector = { tcId: number; comment: string; jws: string; result: "valid" | "invalid" | "acceptable" };
type Group = { comment: string; public?: JWK; private?: JWK; tests: Vector[] };

const FILE = fileURLToPath(
  new URL("../../../../shared/vectors/wycheproof/json_web_signature_test.json", import.meta.url),
);
const isThere = existsSync(FILE);
if (!isThere) console.warn(`\n!!! SKIPPED: the Wycheproof vectors are not at ${FILE}. Nothing here was tested.\n`);

const groups: Group[] = isThere ? JSON.parse(readFileSync(FILE, "utf8")).testGroups : [];
const isP256 = ({ public: key }: Group) => key?.kty === "EC" && key.crv === "P-256";
const p256 = groups.filter(isP256);
const named = (group: Group) => group.tests.map((vector) => ({ group, ...vector }));

/** The group's key as if it were one of ours, under its thumbprint. */
async function ours({ public: jwk }: Group): Promise<{ kid: string; keys: PublicKeys }> {
  const { kty, crv, x, y } = jwk ?? {};
  const kid = await calculateJwkThumbprint({ kty, crv, x, y } as JWK);
  const set = [{ kty, crv, x, y, kid }];
  return { kid, keys: await importPublicKeys({ issuer: ISSUER, base: set, task: set }) };
}

describe.skipIf(!isThere)("Wycheproof's JWS vectors", () => {
  test("are all there", () => {
    expect(groups.flatMap(({ tests }) => tests).length).toBeGreaterThan(300);
    expect(p256.flatMap(({ tests }) => tests).length).toBeGreaterThan(20);
  });

  test("are no keys of ours, not one of them, whichever of their keys is ours", async () => {
    for (const group of p256) {
      const { keys } = await ours(group);
      for (const { jws, tcId } of groups.flatMap(({ tests }) => tests)) {
        expect(await verifyBase(jws, keys, NOW), `${tcId}`).toMatchObject({ code: "KEY_INVALID" });
        expect(await verifyTask(jws, keys, NOW), `${tcId}`).toMatchObject({ code: "KEY_INVALID" });
      }
    }
  });

  test.for(p256.flatMap(named).filter(({ comment }) => !comment.startsWith("rejectWrong")))(
    "$tcId ($comment): the library, pinned to ES256, finds it $result",
    async ({ group, jws, result }) => {
      const { kty, crv, x, y } = group.public ?? {};
      const key = (await importJWK({ kty, crv, x, y } as JWK, "ES256")) as CryptoKey;
      const verdict = await compactVerify(jws, key, { algorithms: ["ES256"] }).then(
        () => "valid",
        () => "invalid",
      );
      expect(verdict).toBe(result);
    },
  );

  test.for(p256.flatMap(named))(
    "$tcId ($comment): its signature makes no key of good claims",
    async ({ group, jws }) => {
      const { kid, keys } = await ours(group);
      const header = b64(canonical({ alg: "ES256", kid, typ: BASE_TYP }));
      const grafted = `${header}.${b64(withClaims({}))}.${jws.split(".")[2]}`;
      expect(await verifyBase(grafted, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    },
  );

  test.for(groups.flatMap(named).filter(({ group }) => group.private?.crv !== "P-256"))(
    "$tcId ($comment): its header over good claims is no key, even truly signed",
    async ({ jws }) => {
      const group = p256.find((one) => one.private !== undefined) as Group;
      const { keys } = await ours(group);
      const { x, y, d } = group.private ?? {};
      const key = (await importJWK({ kty: "EC", crv: "P-256", x, y, d } as JWK, "ES256")) as CryptoKey;
      const header = Buffer.from(jws.split(".")[0] ?? "", "base64url").toString();
      const token = await signed(header, withClaims({}), { key, jwk: {} as never });
      expect(await verifyBase(token, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    },
  );
});
