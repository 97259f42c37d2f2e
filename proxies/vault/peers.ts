/** Whom the vault speaks to. */
import type { vaultToIngress, vaultToKernel, vaultToProxy } from "../../kernel/abi/messages.ts";
import type { Client } from "../../kernel/process/connect.ts";

export type Kernel = Client<typeof vaultToKernel>;
export type Ingress = Client<typeof vaultToIngress>;
type Proxy = Client<typeof vaultToProxy>;
export type Proxies = ReadonlyMap<string, Proxy>;
