/**
 * Hostile arguments from a vault that was taken over: the gate of the proxies, on the vault's real edge. Neither beside a permit for other arguments,
 * nor as their values, nor even with a permit the kernel should never have signed, is anything acted.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { edgeBetween, type ProxyName } from "../../../kernel/abi/edges.ts";
import { done } from "../../../kernel/abi/ends.ts";
import type { JsonObject } from "../../../kernel/abi/json.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { type Call, ownOperations } from "../../../proxies/proxy/admit.ts";
import { type Serving, serveProxy } from "../../../proxies/proxy/serve.ts";
import { KEY, permitFor } from "../../proxies/proxy/permits.ts";
import { type Attack, attacks, good, refundWith, spellings } from "./attacks.ts";
import { type Heard, say, verdictOf } from "./kin.ts";

const run = mkdtempSync(join(tmpdir(), "silo-arguments-"));
const proxyOf = { "refund:create": "database", "email:send": "email" } as const;
const hydrated = {
  "refund:create": { ...good["refund:create"], reason: "Maria was unhappy" },
  "email:send": { ...good["email:send"], to: "maria@example.org", body: "Dear Maria" },
};
const acted: Call[] = [];
const serving: Serving[] = [];

beforeAll(async () => {
  const log = openLog("proxy");
  log.level = "silent";
  const operations = readOperations({ etc: "config" });
  for (const proxy of Object.values(proxyOf)) {
    mkdirSync(join(run, proxy, "vault"), { recursive: true });
    const admission = { proxy, operations: ownOperations(operations, proxy), key: KEY, now: Date.now };
    const act = (call: Call) => {
      acted.push(call);
      return done({});
    };
    const decide = () => done({ decided: "void" as const, result: null });
    serving.push(await serveProxy(proxy, admission, { act, decide }, { run, log }));
  }
});
afterAll(async () => {
  for (const one of serving) await one.stop();
  rmSync(run, { recursive: true });
});

/** `permitted`: what the kernel signed; `sent` and `values`: what the vault says, byte for byte. */
function act(
  capability: Attack["capability"],
  { permitted, sent, values }: { permitted: JsonObject; sent: string; values: string },
): Promise<Heard> {
  const proxy: ProxyName = proxyOf[capability];
  const permit = JSON.stringify(permitFor(proxy, { capability }, permitted));
  const body = `{"permit":${permit},"arguments":${sent},"values":${values},"customer":"C0042"}`;
  return say(run, edgeBetween("vault", proxy), "act", body);
}

test.for(attacks)(
  "$name: beside a permit for other arguments a proxy acts nothing",
  async ({ capability, sent, kin }) => {
    const permitted = good[capability];
    const verdict = kin === "violation" ? kin : "PERMIT_INVALID";
    expect(verdictOf(await act(capability, { permitted, sent, values: sent }))).toBe(verdict);
    expect(acted.splice(0)).toEqual([]);
  },
);

/** What stands for one token only the vault knows: of a recipient a proxy sees that it is one value. */
const counted = attacks.filter(({ capability }) => capability === "refund:create");

test.for(counted)(
  "$name: as the values of permitted arguments a proxy acts nothing",
  async ({ capability, sent, kin }) => {
    const permitted = good[capability];
    const verdict = kin === "violation" ? kin : "PERMIT_INVALID";
    expect(verdictOf(await act(capability, { permitted, sent: JSON.stringify(permitted), values: sent }))).toBe(
      verdict,
    );
    expect(acted.splice(0)).toEqual([]);
  },
);

test.for(attacks.filter(({ kin }) => kin !== "violation"))(
  "$name: even with a permit for it a proxy acts nothing",
  async ({ capability, sent, kin }) => {
    const permitted = JSON.parse(sent) as JsonObject;
    expect(verdictOf(await act(capability, { permitted, sent, values: sent }))).toBe(kin);
    expect(acted.splice(0)).toEqual([]);
  },
);

test.for(Object.entries(spellings))("%s is acted as the call it says", async ([, sent]) => {
  const values = JSON.stringify(hydrated["refund:create"]);
  expect(verdictOf(await act("refund:create", { permitted: good["refund:create"], sent, values }))).toBe("done");
  expect(acted.splice(0)).toMatchObject([{ values: hydrated["refund:create"] }]);
});

test("a larger amount twice is the larger one, and not the permitted one", async () => {
  const sent = refundWith("reason", '"[NAME_1] was unhappy","amount":70000');
  const permitted = good["refund:create"];
  const values = JSON.stringify(hydrated["refund:create"]);
  expect(verdictOf(await act("refund:create", { permitted, sent, values }))).toBe("PERMIT_INVALID");
  const twice = values.replace("}", ',"amount":70000}');
  expect(verdictOf(await act("refund:create", { permitted, sent: refundWith("amount", "500"), values: twice }))).toBe(
    "PERMIT_INVALID",
  );
  expect(acted.splice(0)).toEqual([]);
});

test("after all of them both proxies act what is permitted", async () => {
  for (const capability of ["refund:create", "email:send"] as const) {
    const permitted = good[capability];
    const values = JSON.stringify(hydrated[capability]);
    expect(verdictOf(await act(capability, { permitted, sent: JSON.stringify(permitted), values }))).toBe("done");
  }
  expect(acted.map(({ capability }) => capability)).toEqual(["refund:create", "email:send"]);
});
