/**
 * A vault that was taken over. It is the real one with all it holds, so that cases open and cells get tokens; but calls can be kept back,
 * what it tells the kernel can be lied about, and the test speaks on its edges.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { proxies as proxyNames } from "../../../kernel/abi/edges.ts";
import type { End } from "../../../kernel/abi/ends.ts";
import {
  doorToVault,
  ingressToVault,
  kernelToVault,
  type RequestOf,
  type ValueOf,
  vaultToIngress,
  vaultToKernel,
  vaultToProxy,
} from "../../../kernel/abi/messages.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { connect } from "../../../kernel/process/connect.ts";
import { openKeystore } from "../../../kernel/process/keystore.ts";
import { listen } from "../../../kernel/process/listen.ts";
import { startProcess } from "../../../kernel/process/start.ts";
import { openCaseKeys } from "../../../proxies/vault/case-keys.ts";
import { deriveMaster, MASTER_BYTES } from "../../../proxies/vault/master.ts";
import type { Kernel } from "../../../proxies/vault/peers.ts";
import { openVault } from "../../../proxies/vault/vault.ts";
import { openPuppet } from "../puppet.ts";

export type Call = RequestOf<typeof doorToVault, "call">;
export type Bind = RequestOf<typeof kernelToVault, "bind">;
type Answer = End<ValueOf<typeof doorToVault, "call">>;
type Settlement = End<ValueOf<typeof kernelToVault, "settle">>;
type Kept = { call: Call; resolve: (answer: Answer | Promise<Answer>) => void };

await startProcess("vault", async (dirs, log) => {
  const folder = join(dirs.var, "vault");
  const master = deriveMaster(openKeystore(folder).secret("master", () => randomBytes(MASTER_BYTES)));
  const keys = openCaseKeys(join(folder, "slots"), master.caseKeys, randomBytes);
  const options = { run: dirs.run, log };
  const ingress = connect({ from: "vault", to: "ingress" }, vaultToIngress, options);
  const proxies = new Map(proxyNames.map((to) => [to, connect({ from: "vault", to }, vaultToProxy, options)]));
  const honest = connect({ from: "vault", to: "kernel" }, vaultToKernel, options);
  const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };

  const binds: Bind[] = [];
  const kept: Kept[] = [];
  /** Capabilities whose calls are kept back. */
  let keeping: string[] = [];
  let settlement: Settlement | null = null;
  /** The kernel hears of every submission's customer as somebody new. */
  let disguising = false;

  const kernel: Kernel = {
    ...honest,
    request: (message, body, timeoutMs) => honest.request(message, disguised(message, body), timeoutMs),
    get connected() {
      return honest.connected;
    },
  };
  const holding = {
    operations: readOperations(dirs),
    master,
    keys,
    kernel,
    ingress,
    proxies,
    clock,
    random: randomBytes,
  };
  const vault = openVault(holding);

  const puppet = await openPuppet(dirs.run, "vault", {
    binds: () => binds,
    keep({ capabilities }) {
      keeping = capabilities as string[];
    },
    kept: () => kept.map(({ call }) => call),
    /** Answers a call that was kept back: as told, or as the honest vault would. */
    answer({ cell, step, end }) {
      const at = kept.findIndex(({ call }) => call.cell === cell && call.step === step);
      const [found] = kept.splice(at, at === -1 ? 0 : 1);
      found?.resolve((end as Answer | null) ?? (vault.door.call(found.call, peerless) as Promise<Answer>));
    },
    settle({ end }) {
      settlement = end as Settlement;
    },
    disguise() {
      disguising = true;
    },
  });
  const servers = [
    await listen(
      { from: "kernel", to: "vault" },
      kernelToVault,
      {
        ...vault.kernel,
        bind(body, peer) {
          binds.push(body);
          return vault.kernel.bind(body, peer);
        },
        settle: (body, peer) => settlement ?? vault.kernel.settle(body, peer),
      },
      options,
    ),
    await listen({ from: "ingress", to: "vault" }, ingressToVault, vault.ingress, options),
    await listen({ from: "door", to: "vault" }, doorToVault, { call: keepOrCall }, options),
  ];
  return {
    status: "taken over",
    async stop() {
      for (const server of servers) server.close();
      puppet.close();
      for (const client of [honest, ingress, ...proxies.values()]) client.close();
      keys.close();
    },
  };

  function keepOrCall(call: Call): Promise<Answer> {
    if (call.permit === null || !keeping.includes(call.capability))
      return Promise.resolve(vault.door.call(call, peerless));
    const { promise, resolve } = Promise.withResolvers<Answer>();
    kept.push({ call, resolve });
    return promise;
  }

  function disguised<B>(message: string, body: B): B {
    return message === "submit" && disguising ? { ...body, subject: randomBytes(32).toString("hex") } : body;
  }
});

/** Calls are not bound to a connection. */
const peerless = { closed: new Promise<void>(() => {}) };
