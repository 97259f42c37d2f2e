import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refused } from "../../../kernel/abi/ends.ts";
import { refusalCodes } from "../../../kernel/abi/refusals.ts";
import { ConfigError } from "../../../kernel/process/config.ts";
import { bearerOf, readFrontends } from "../../../proxies/ingress/frontends.ts";
import { openRate } from "../../../proxies/ingress/rate.ts";
import { replyOf } from "../../../proxies/ingress/reply.ts";
import { findRoute } from "../../../proxies/ingress/routes.ts";

/** SHA-256 of "abc". */
const DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

describe("readFrontends", () => {
  const find = readFrontends(JSON.stringify({ bank: "0".repeat(64), shop: DIGEST }));

  test("names the frontend whose key has that digest", () => {
    expect(find("abc")).toBe("shop");
  });

  test("names nobody for any other text, the digest and the empty text included", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("", DIGEST, "ABC", "abc ", "0".repeat(64))), (key) => {
        fc.pre(key !== "abc");
        expect(find(key)).toBeNull();
      }),
    );
  });

  test.each(["", "[]", "{", '{"shop":"short"}', `{"Shop":"${DIGEST}"}`, `{"shop":"${DIGEST}","shop":"${DIGEST}"}`])(
    "does not start with the credential %s",
    (text) => expect(() => readFrontends(text)).toThrow(ConfigError),
  );
});

test("bearerOf takes exactly one form", () => {
  expect(bearerOf("Bearer abc")).toBe("abc");
  for (const other of [undefined, "", "abc", "bearer abc", "Basic abc", "Bearer"]) expect(bearerOf(other)).toBeNull();
});

describe("openRate", () => {
  test("allows N requests at once and refuses the one after, for each frontend apart", () => {
    const allow = openRate(3);
    expect([1, 2, 3, 4].map(() => allow("shop", 0))).toEqual([true, true, true, false]);
    expect(allow("bank", 0)).toBe(true);
  });

  test("fills at its rate and never over one second's worth", () => {
    const allow = openRate(2);
    for (let count = 0; count < 2; count++) allow("shop", 0);
    expect(allow("shop", 499)).toBe(false);
    expect(allow("shop", 1000)).toBe(true);
    const later = [1, 2, 3].map(() => allow("shop", 1_000_000));
    expect(later).toEqual([true, true, false]);
  });

  test("allows nothing more when the clock goes back", () => {
    const allow = openRate(1);
    expect([allow("shop", 5000), allow("shop", 0), allow("shop", 0)]).toEqual([true, false, false]);
  });

  test("never allows more than the rate and one bucket, whenever requests come", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 200 }), (gaps) => {
        const allow = openRate(10);
        let now = 0;
        let allowed = 0;
        for (const gap of gaps) {
          now += gap;
          if (allow("shop", now)) allowed++;
        }
        expect(allowed).toBeLessThanOrEqual(10 + (now / 1000) * 10);
      }),
    );
  });
});

describe("replyOf", () => {
  test("gives every refusal a status of the client's, and its code", () => {
    for (const code of Object.keys(refusalCodes) as (keyof typeof refusalCodes)[]) {
      const { status, body } = replyOf(refused(code), 200);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(body).toEqual({ code, message: refusalCodes[code] });
    }
  });

  test("makes of later and lost the same: send it again", () => {
    for (const end of [{ end: "later", message: "Soon." }, { end: "lost" }] as const) {
      expect(replyOf(end, 200)).toMatchObject({
        status: 503,
        body: { code: "LATER" },
        headers: { "Retry-After": "1" },
      });
    }
  });
});

test("findRoute takes whole paths and one segment for a parameter", () => {
  expect(findRoute("/v1/tasks/task_1")).toMatchObject({ route: { method: "GET" }, parameter: "task_1" });
  expect(findRoute("/v1/tasks")?.route.method).toBe("POST");
  for (const path of ["/v1/tasks/", "/v1/tasks/a/b", "/v1/tasksx", "/v1", "/", "", "/V1/tasks", "//v1/tasks"]) {
    expect(findRoute(path), path).toBeUndefined();
  }
});
