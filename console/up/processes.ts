/** The processes of the appliance, once: what each runs, what it may reach, and which credentials it is given. */
import { type ProcessName, type ProxyName, proxies } from "../../kernel/abi/edges.ts";

export type ServiceName = Exclude<ProcessName, "console">;

export type Service = {
  name: ServiceName;
  /** Its folder of code below the product's. */
  folder: string;
  /** `none`: an empty network namespace of its own. `host`: the host's, which the trial does not narrow. */
  network: "none" | "host";
  /** Root-equivalent: keeps its user and capabilities. Only the jailer, which makes namespaces. */
  root: boolean;
  /** Holds long-lived secrets in the key store: gets a session keyring that survives its restarts. */
  keyring: boolean;
  credentials: readonly string[];
  /** Given where somebody configured what they are for; without them the process serves and refuses. */
  optional: readonly string[];
};

function service(name: ServiceName, folder: string, rest: Partial<Service> = {}): Service {
  return { name, folder, network: "none", root: false, keyring: false, credentials: [], optional: [], ...rest };
}

const proxy: Record<ProxyName, Service> = {
  database: service("database", "proxies/database", { credentials: ["permit", "database.json"] }),
  email: service("email", "proxies/email", { network: "host", credentials: ["permit", "smtp.json"] }),
  sms: service("sms", "proxies/sms", { network: "host", credentials: ["permit"], optional: ["smpp.json"] }),
  kv: service("kv", "proxies/kv", { credentials: ["permit"] }),
};

/** In the order they are started; they stop in the reverse one. */
export const services: readonly Service[] = [
  service("jailer", "jail", { root: true }),
  service("kernel", "kernel", { keyring: true, credentials: [...proxies.map((name) => `permit-${name}`), "signin"] }),
  service("door", "proxies/door"),
  service("vault", "proxies/vault", { keyring: true }),
  ...proxies.map((name) => proxy[name]),
  service("siem", "proxies/siem", { network: "host", optional: ["siem.json"] }),
  service("ingress", "proxies/ingress", {
    network: "host",
    credentials: ["frontends.json"],
    optional: ["tls.crt", "tls.key"],
  }),
];

/** The Linux user whose files and sockets are this process's. */
export function userOf(name: ProcessName): string {
  return `silo-${name}`;
}
