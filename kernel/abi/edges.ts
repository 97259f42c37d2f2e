/**
 * The authority graph: every edge between processes, once. The launcher makes exactly these socket directories, units and
 * ARCHITECTURE.md are tested against this table, and a new edge is a decision recorded there.
 *
 * The socket of an edge is `/run/silo/RECEIVER/SENDER/socket`, in a directory that belongs to the receiver and is open to the
 * sender's group alone: who may speak to whom is a file permission.
 */
import { consoleToKernel } from "./console-messages.ts";
import { consoleToSiem } from "./export.ts";
import {
  doorToKernel,
  doorToVault,
  ingressToKernel,
  ingressToVault,
  kernelToDoor,
  kernelToJailer,
  kernelToVault,
  type Messages,
  vaultToIngress,
  vaultToKernel,
  vaultToProxy,
} from "./messages.ts";

export const proxies = ["database", "email", "sms", "kv"] as const;
export type ProxyName = (typeof proxies)[number];

/** Short names; the Linux user of each is `silo-NAME`. */
export type ProcessName = "kernel" | "door" | "vault" | "ingress" | "jailer" | "siem" | "console" | ProxyName;

/** `kin`: a violation there is a defect or a take-over; the sender exits. `stranger`: refuse and go on. */
export type Edge = { from: ProcessName; to: ProcessName; trust: "kin" | "stranger"; messages: Messages };

export const edges: readonly Edge[] = [
  { from: "ingress", to: "vault", trust: "kin", messages: ingressToVault },
  { from: "vault", to: "ingress", trust: "kin", messages: vaultToIngress },
  { from: "ingress", to: "kernel", trust: "kin", messages: ingressToKernel },
  { from: "vault", to: "kernel", trust: "kin", messages: vaultToKernel },
  { from: "door", to: "kernel", trust: "kin", messages: doorToKernel },
  { from: "door", to: "vault", trust: "kin", messages: doorToVault },
  ...proxies.map((to): Edge => ({ from: "vault", to, trust: "kin", messages: vaultToProxy })),
  { from: "kernel", to: "door", trust: "kin", messages: kernelToDoor },
  { from: "kernel", to: "vault", trust: "kin", messages: kernelToVault },
  { from: "kernel", to: "jailer", trust: "kin", messages: kernelToJailer },
  { from: "console", to: "kernel", trust: "stranger", messages: consoleToKernel },
  { from: "console", to: "siem", trust: "stranger", messages: consoleToSiem },
];

/** The edge from one process to another. Throws when the table has none: what is not in it does not exist. */
export function edgeBetween(from: ProcessName, to: ProcessName): Edge {
  const edge = edges.find((row) => row.from === from && row.to === to);
  if (edge === undefined) throw new Error(`There is no edge from ${from} to ${to}.`);
  return edge;
}

/** Where the socket of an edge lives below the run directory (`/run/silo`). */
export function socketPath(run: string, to: ProcessName, from: ProcessName): string {
  return `${run}/${to}/${from}/socket`;
}
