/** The vault process: swaps tokens and values, and never parses a stranger's bytes. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { proxies as proxyNames } from "../../kernel/abi/edges.ts";
import {
  doorToVault,
  ingressToVault,
  kernelToVault,
  vaultToIngress,
  vaultToKernel,
  vaultToProxy,
} from "../../kernel/abi/messages.ts";
import { readOperations } from "../../kernel/abi/operations-file.ts";
import { connect } from "../../kernel/process/connect.ts";
import { openKeystore } from "../../kernel/process/keystore.ts";
import { listen } from "../../kernel/process/listen.ts";
import { startProcess } from "../../kernel/process/start.ts";
import { secretsPlace } from "../../kernel/process/wrapped.ts";
import { openCaseKeys } from "./case-keys.ts";
import { deriveMaster, MASTER_BYTES } from "./master.ts";
import { openVault } from "./vault.ts";

await startProcess("vault", async (dirs, log) => {
  const operations = readOperations(dirs);
  const folder = join(dirs.var, "vault");
  const keystore = openKeystore(folder, secretsPlace(dirs, folder));
  const master = deriveMaster(keystore.secret("master", () => randomBytes(MASTER_BYTES)));
  const keys = openCaseKeys(join(folder, "slots"), master.caseKeys, randomBytes);
  if (keys.torn > 0) log.warn({ slots: keys.torn }, "half-written slots of an earlier stop were cleared");

  const options = { run: dirs.run, log };
  const kernel = connect({ from: "vault", to: "kernel" }, vaultToKernel, options);
  const ingress = connect({ from: "vault", to: "ingress" }, vaultToIngress, options);
  const proxies = new Map(proxyNames.map((to) => [to, connect({ from: "vault", to }, vaultToProxy, options)]));
  const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };
  const vault = openVault({ operations, master, keys, kernel, ingress, proxies, clock, random: randomBytes });

  const servers = [
    await listen({ from: "kernel", to: "vault" }, kernelToVault, vault.kernel, options),
    await listen({ from: "ingress", to: "vault" }, ingressToVault, vault.ingress, options),
    await listen({ from: "door", to: "vault" }, doorToVault, vault.door, options),
  ];
  return {
    status: `the vault holds ${keys.size} open cases`,
    async stop() {
      for (const server of servers) server.close();
      await vault.stop();
      for (const client of [kernel, ingress, ...proxies.values()]) client.close();
      keys.close();
    },
  };
});
