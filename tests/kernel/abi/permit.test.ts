import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digest, type Json } from "../../../kernel/abi/json.ts";
import { checkPermit, idempotencyKey, Permit, type PermitTerms, signPermit } from "../../../kernel/abi/permit.ts";
import { compile } from "../../../kernel/process/schema.ts";

const key = Buffer.alloc(32, 7);
const args = { order: "O1", amount: 100 };
const terms: PermitTerms = {
  task: "task_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  case: "case_0123456789abcdef",
  step: 1,
  epoch: 3,
  proxy: "database",
  capability: "refund:create",
  arguments: digest(args),
  mode: "live",
  expires: 1000,
};
const effect = "write" as const;
const call = { proxy: "database", capability: "refund:create", effect, arguments: args as Json, now: 999 };
const permit = signPermit(terms, key);

test("a permit carries the HMAC-SHA-256 of its canonical terms, as another implementation makes it", () => {
  expect(permit.mac).toBe("ca0d3bda76b7a1ed81ab2369264f7df04b52df9bf5630bfb85f69d81c03a44ea");
});

describe("the shape of a permit", () => {
  const check = compile(Permit);

  test("is that of a task's, of the vault's own look-up, and of one a person has decided about", () => {
    const vaults = signPermit({ ...terms, task: "look_0123456789abcdef", assignment: null }, key);
    const decided = signPermit({ ...terms, void_until: 2 }, key);
    for (const good of [permit, vaults, decided]) expect(check(good), good.task).toMatchObject({ ok: true });
  });

  test("has every term, each of its own form, and no other", () => {
    for (const name of Object.keys(permit)) {
      expect(check({ ...permit, [name]: "x y" }), name).toMatchObject({ ok: false });
      expect(check({ ...permit, [name]: undefined }), name).toMatchObject({ ok: false });
    }
    expect(check({ ...permit, void_until: -1 })).toMatchObject({ ok: false });
    expect(check({ ...permit, spare: 1 })).toMatchObject({ ok: false });
  });
});

describe("checkPermit", () => {
  test("says yes to exactly what the kernel signed", () => {
    expect(checkPermit(permit, call, key)).toEqual({ end: "done", value: permit });
  });

  test("refuses a permit with any one term changed after signing", () => {
    const changes: Partial<Permit>[] = [
      { task: "task_0123456789abcdeg" },
      { task: "look_0123456789abcdef" },
      { assignment: null },
      { case: "case_0123456789abcdeg" },
      { step: 2 },
      { epoch: 4 },
      { proxy: "email" },
      { capability: "order:read" },
      { arguments: digest({}) },
      { mode: "shadow" },
      { expires: 2000 },
    ];
    for (const change of changes) {
      expect(checkPermit({ ...permit, ...change }, call, key)).toMatchObject({ code: "PERMIT_INVALID" });
    }
    expect(new Set(changes.flatMap(Object.keys))).toEqual(new Set(Object.keys(terms)));
  });

  test("what a person decided is under the signature, said or not said", () => {
    const said = signPermit({ ...terms, void_until: 2 }, key);
    expect(checkPermit(said, call, key)).toEqual({ end: "done", value: said });
    for (const forged of [
      { ...permit, void_until: 2 },
      { ...said, void_until: 3 },
      { ...permit, mac: said.mac },
    ])
      expect(checkPermit(forged, call, key)).toMatchObject({ code: "PERMIT_INVALID" });
  });

  test("refuses a permit with a term too many or too few", () => {
    expect(checkPermit({ ...permit, spare: 1 } as Permit, call, key)).toMatchObject({ code: "PERMIT_INVALID" });
    const { epoch: _, ...fewer } = permit;
    expect(checkPermit(fewer as Permit, call, key)).toMatchObject({ code: "PERMIT_INVALID" });
  });

  test("refuses a key of another proxy, of another length, and of no bytes", () => {
    for (const other of [Buffer.alloc(32, 8), Buffer.alloc(31, 7), Buffer.alloc(0)]) {
      expect(checkPermit(permit, call, other)).toMatchObject({ code: "PERMIT_INVALID" });
    }
  });

  test("refuses every other spelling of the MAC and never throws on one", () => {
    const { mac } = permit;
    for (const other of ["", mac.slice(2), `${mac}00`, mac.toUpperCase(), `${mac.slice(0, -1)}z`, `${mac} `]) {
      expect(checkPermit({ ...permit, mac: other }, call, key)).toMatchObject({ code: "PERMIT_INVALID" });
    }
    fc.assert(
      fc.property(fc.string(), (other) => {
        expect(checkPermit({ ...permit, mac: other }, call, key)).toMatchObject({ code: "PERMIT_INVALID" });
      }),
    );
  });

  test("refuses another proxy, capability or arguments than it names", () => {
    for (const other of [{ proxy: "email" }, { capability: "order:read" }, { arguments: { ...args, amount: 101 } }]) {
      expect(checkPermit(permit, { ...call, ...other }, key)).toMatchObject({ code: "PERMIT_INVALID" });
    }
  });

  test("takes the same arguments in another order of members", () => {
    expect(checkPermit(permit, { ...call, arguments: { amount: 100, order: "O1" } }, key)).toMatchObject({
      end: "done",
    });
  });

  test("acts one millisecond before it expires and not at that millisecond", () => {
    expect(checkPermit(permit, { ...call, now: 999 }, key)).toMatchObject({ end: "done" });
    expect(checkPermit(permit, { ...call, now: 1000 }, key)).toMatchObject({ code: "PERMIT_EXPIRED" });
  });

  test.each(["shadow", "try", "replay"] as const)("never lets a run in mode %s act", (mode) => {
    expect(checkPermit(signPermit({ ...terms, mode }, key), call, key)).toMatchObject({ code: "MODE_NOT_LIVE" });
  });

  test("lets a run in shadow or try read, and a replay not even that", () => {
    const ends = (["live", "shadow", "try", "replay"] as const).map(
      (mode) => checkPermit(signPermit({ ...terms, mode }, key), { ...call, effect: "read" }, key).end,
    );
    expect(ends).toEqual(["done", "done", "done", "refused"]);
  });
});

describe("idempotencyKey", () => {
  test("names task, assignment and step; a call without assignment is the vault's", () => {
    expect(idempotencyKey(terms)).toBe("task_0123456789abcdef/asgn_0123456789abcdef/1");
    expect(idempotencyKey({ ...terms, assignment: null })).toBe("task_0123456789abcdef/vault/1");
  });

  test("is the same for every epoch and differs by task, assignment and step", () => {
    const base = idempotencyKey(terms);
    expect(idempotencyKey({ ...terms, epoch: 9, expires: 5 })).toBe(base);
    const others = [{ task: "task_0123456789abcdeg" }, { assignment: null }, { step: 2 }];
    expect(new Set([base, ...others.map((change) => idempotencyKey({ ...terms, ...change }))]).size).toBe(4);
  });
});
