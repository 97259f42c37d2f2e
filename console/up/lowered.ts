/** What the trial does not seal and the appliance does: said at every start, never hidden. */
export const lowered: readonly string[] = [
  "Signing keys and the vault's master key lie in this host's kernel keyring, not in a TPM.",
  "The state directory is not encrypted, and nothing measured the boot of this host.",
  "The email and SMS proxies, the export of the log and ingress share the host's network: no firewall holds them to their destinations (silo firewall).",
  "cgroup limits of cells hold only where this host offers them; rlimits and sized tmpfs hold everywhere.",
  "The front door speaks plain HTTP, on the loopback address.",
];

/** The lines a start begins with. */
export function showLowered(): string {
  return ["mode: trial. These guards are lowered here:", ...lowered.map((guard) => `  ! ${guard}`)].join("\n");
}
