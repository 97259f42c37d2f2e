import { scryptSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeSignIn, matchesSignIn } from "../../../kernel/abi/signin.ts";

const salt = Buffer.alloc(16, 7);

describe("a sign-in secret", () => {
  test("is recognised, and only itself", async () => {
    const stored = await makeSignIn("correct horse", salt);
    expect(stored).not.toContain("correct");
    expect(await matchesSignIn("correct horse", stored)).toBe(true);
    for (const other of ["", "correct hors", "correct horse ", "Correct horse"]) {
      expect(await matchesSignIn(other, stored)).toBe(false);
    }
  });

  test("is stored as scrypt of RFC 7914 with our cost", async () => {
    const hash = scryptSync("secret", salt, 32, { N: 16_384, r: 8, p: 5, maxmem: 1 << 26 }).toString("base64url");
    expect(await makeSignIn("secret", salt)).toBe(`scrypt$16384$8$5$${salt.toString("base64url")}$${hash}`);
  });

  test("stored in another form, or at a lower cost, is no one's", async () => {
    const cheap = scryptSync("secret", salt, 32, { N: 2, r: 8, p: 1 }).toString("base64url");
    const saltText = salt.toString("base64url");
    const hash = (await makeSignIn("secret", salt)).split("$")[5];
    for (const stored of [
      "",
      "secret",
      `scrypt$2$8$1$${saltText}$${cheap}`,
      `scrypt$16384$8$5$${saltText}$`,
      `scrypt$16384$8$5$${saltText}$${hash}A`,
      `scrypt$16384$8$5$$${hash}`,
    ]) {
      expect(await matchesSignIn("secret", stored), stored).toBe(false);
    }
  });
});
