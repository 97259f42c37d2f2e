import { beforeAll, describe, expect, test } from "vitest";
import { makeSignIn } from "../../kernel/abi/signin.ts";
import type { People } from "../../kernel/people.ts";
import { FAILURE_MS, openSignIns, parseSignIns, type SignIn, WAITING_MAX } from "../../kernel/signins.ts";

const people: People = {
  people: new Map([
    ["maria", { person: "maria", roles: ["manager"], administrator: false }],
    ["joan", { person: "joan", roles: [], administrator: true }],
  ]),
  roles: new Map(),
};
const failed = { end: "refused", code: "SIGN_IN_FAILED" };
let signIn: SignIn;
beforeAll(async () => {
  const gone = await makeSignIn("of one who left", Buffer.alloc(16, 2));
  signIn = openSignIns(people, { maria: await makeSignIn("horse", Buffer.alloc(16, 1)), gone });
});

async function timed<T>(work: Promise<T>): Promise<[value: T, ms: number]> {
  const start = performance.now();
  return [await work, performance.now() - start];
}

describe("a person", () => {
  test("is recognised by the secret", async () => {
    expect(await signIn("maria", "horse")).toEqual({ end: "done", value: people.people.get("maria") });
  });

  test("is answered slowly after a wrong secret, and not told what was wrong", async () => {
    const [end, ms] = await timed(signIn("maria", "cow"));
    expect(end).toMatchObject(failed);
    expect(ms).toBeGreaterThanOrEqual(FAILURE_MS - 1);
    expect(await signIn("nobody", "horse")).toEqual(end);
  });

  test("who does not exist costs the same work as one who does", async () => {
    const known = (await timed(signIn("maria", "cow")))[1] - FAILURE_MS;
    const unknown = (await timed(signIn("nobody", "cow")))[1] - FAILURE_MS;
    expect(unknown).toBeGreaterThan(known / 3);
  });

  test("without a secret in the credential cannot sign in, not even with none", async () => {
    expect(await signIn("joan", "")).toMatchObject(failed);
  });

  test("who has a secret but is not in people.yaml cannot sign in", async () => {
    expect(await signIn("gone", "of one who left")).toMatchObject(failed);
    expect(await signIn("constructor", "")).toMatchObject(failed);
  });
});

test("as many sign-ins as may wait do, and one more is later", async () => {
  const all = Array.from({ length: WAITING_MAX }, () => signIn("maria", "horse"));
  expect(await signIn("maria", "horse")).toMatchObject({ end: "later" });
  for (const end of await Promise.all(all)) expect(end.end).toBe("done");
  expect((await signIn("maria", "horse")).end).toBe("done");
});

describe("the credential signin", () => {
  test("is a name and a text each, or the kernel does not start", () => {
    expect(parseSignIns(Buffer.from('{"maria":"scrypt$"}'))).toEqual({ maria: "scrypt$" });
    for (const text of ["", "[]", '{"maria":1}', '{"Maria":"x"}', "null"]) {
      expect(() => parseSignIns(Buffer.from(text))).toThrow(/signin is damaged/);
    }
  });
});
