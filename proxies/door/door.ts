/** What the door works with: the kernel, the vault, the declared operations and the keys that verify now. */
import { compileArguments } from "../../kernel/abi/arguments.ts";
import type { PublicKeys } from "../../kernel/abi/keys.ts";
import type { doorToKernel, doorToVault } from "../../kernel/abi/messages.ts";
import type { Operations } from "../../kernel/abi/operations.ts";
import type { Client } from "../../kernel/process/connect.ts";
import type { Rule } from "./admit.ts";
import type { Slot } from "./slot.ts";

export type Rules = ReadonlyMap<string, Rule>;

export type Door = {
  readonly kernel: Client<typeof doorToKernel>;
  readonly vault: Client<typeof doorToVault>;
  readonly rules: Rules;
  /** Undefined until the kernel has sent its public keys. */
  keys: PublicKeys | undefined;
  /** Requests that have no answer yet. */
  readonly inHand: Set<Promise<void>>;
  /** Told to stop: what comes now comes later. */
  isStopping: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Ends whatever `cell` has in `slot`: its connections, its binding, and what is remembered of its keys. */
export function endCell(slot: Slot, cell: string): void {
  if (slot.holds(cell) !== undefined) slot.close();
}

/** Takes nothing new, and settles when everything in hand is answered. */
export async function drain(door: Door): Promise<void> {
  door.isStopping = true;
  await Promise.all(door.inHand);
}

/** Compiles the check of every operation's arguments, once. */
export function compileRules(operations: Operations): Rules {
  return new Map(
    Array.from(operations, ([name, operation]) => [name, { operation, check: compileArguments(operation) }]),
  );
}
