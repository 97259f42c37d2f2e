/** What a run left behind in the kernel's store. */
import { storeFaults } from "../../kernel/faults.ts";
import { openStore } from "../../kernel/store.ts";
import { PLACES } from "./world.ts";

/** Faults of the store as it was left, the log's sequence and leaf hashes included. The kernel has stopped. */
export async function faultsOfStore(): Promise<string[]> {
  const store = openStore(`${PLACES.var}/kernel`);
  const faults = storeFaults(store);
  await store.close();
  return faults;
}
