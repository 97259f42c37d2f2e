/** How an acting proxy starts: what all three hand to startProcess. */
import { createSecretKey } from "node:crypto";
import type { ProxyName } from "../../kernel/abi/edges.ts";
import type { Operations } from "../../kernel/abi/operations.ts";
import { readOperations } from "../../kernel/abi/operations-file.ts";
import type { PermitKey } from "../../kernel/abi/permit.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import type { Log } from "../../kernel/process/log.ts";
import { startProcess } from "../../kernel/process/start.ts";
import { ownOperations } from "./admit.ts";
import { type Acting, serveProxy } from "./serve.ts";

/** What a proxy opened. `close` lets go of it, after the last answer. */
export type Opened = { acting: Acting; close(): Promise<void> };

/** Bytes of the key the kernel and this proxy share. */
const PERMIT_KEY_BYTES = 32;

/** Starts the proxy: operations and permit key are read, `open` opens what it holds, then it listens for the vault. */
export function startProxy(
  name: ProxyName,
  open: (dirs: Directories, operations: Operations, log: Log) => Promise<Opened> | Opened,
): Promise<void> {
  return startProcess(name, async (dirs, log) => {
    const operations = readOperations(dirs);
    const own = ownOperations(operations, name);
    const admission = { proxy: name, operations: own, key: permitKey(dirs), now: Date.now };
    const { acting, close } = await open(dirs, operations, log);
    const serving = await serveProxy(name, admission, acting, { run: dirs.run, log });
    return {
      status: `${name} does ${own.size} operations`,
      stop: async () => {
        await serving.stop();
        await close();
      },
    };
  });
}

function permitKey(dirs: Directories): PermitKey {
  const key = credential(dirs, "permit");
  if (key.length === PERMIT_KEY_BYTES) return createSecretKey(key);
  throw new ConfigError(`The credential permit has ${key.length} bytes; it must have ${PERMIT_KEY_BYTES}.`);
}
