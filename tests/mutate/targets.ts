/** What is mutated, and the tests that must notice: those that need no root and no build root. Small groups, as constants are tried on all tests of theirs. */
export type Target = { readonly files: readonly string[]; readonly tests: readonly string[] };

export const targets: readonly Target[] = [
  {
    files: ["kernel/abi/keys.ts", "kernel/abi/claims.ts"],
    tests: ["tests/kernel/abi/claims.test.ts", "tests/kernel/abi/keys.test.ts", "tests/attacks/keys/forged.test.ts"],
  },
  { files: ["kernel/abi/permit.ts"], tests: ["tests/kernel/abi/permit.test.ts"] },
  { files: ["kernel/abi/proof.ts"], tests: ["tests/kernel/abi/proof.test.ts"] },
  { files: ["kernel/abi/arguments.ts"], tests: ["tests/kernel/abi/arguments.test.ts"] },
  { files: ["kernel/abi/json.ts"], tests: ["tests/kernel/abi/json.test.ts"] },
  { files: ["kernel/abi/modes.ts"], tests: ["tests/kernel/abi/modes.test.ts"] },
  { files: ["proxies/door/keys.ts"], tests: ["tests/proxies/door/keys.test.ts"] },
  { files: ["proxies/door/admit.ts"], tests: ["tests/proxies/door/admit.test.ts"] },
  { files: ["proxies/door/key-cache.ts"], tests: ["tests/proxies/door/key-cache.test.ts"] },
  { files: ["proxies/proxy/admit.ts"], tests: ["tests/proxies/proxy/admit.test.ts"] },
  { files: ["proxies/proxy/unchanged.ts"], tests: ["tests/proxies/proxy/unchanged.test.ts"] },
  { files: ["kernel/ledger.ts"], tests: ["tests/kernel/ledger.test.ts"] },
  { files: ["kernel/journal.ts"], tests: ["tests/kernel/journal.test.ts"] },
  { files: ["kernel/intend.ts"], tests: ["tests/kernel/intend.test.ts", "tests/kernel/intend-journal.test.ts"] },
  { files: ["kernel/money.ts"], tests: ["tests/kernel/money.test.ts"] },
  { files: ["proxies/vault/tokenise.ts"], tests: ["tests/proxies/vault/tokenise.test.ts"] },
  {
    files: ["proxies/vault/table.ts"],
    tests: ["tests/proxies/vault/table.test.ts", "tests/proxies/vault/table-entries.test.ts"],
  },
  { files: ["proxies/vault/hydrate.ts"], tests: ["tests/proxies/vault/hydrate.test.ts"] },
];
