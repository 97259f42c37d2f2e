/** What a run left behind in the kernel's store and in its log. */
import { readFileSync } from "node:fs";
import { readKey, Unproven } from "../../console/audit/note.ts";
import { verifyGrowth, verifyLog } from "../../console/audit/verify.ts";
import type { Entry } from "../../kernel/abi/entry.ts";
import { storeFaults } from "../../kernel/faults.ts";
import { openStore, type Store } from "../../kernel/store.ts";
import { type Came, isUnknown } from "./verdict.ts";
import { PLACES } from "./world.ts";

const LOG = `${PLACES.var}/audit`;
/** What the agent does in the systems outside, by the name its log has for it. */
const deeds = { refunds: "refund:create", emails: "email:send", sms: "sms:send" } as const;

/** Faults of the store as it was left, the log's sequence and leaf hashes included, of the log as outsiders read it, and of what it says happened. The kernel has stopped. */
export async function faultsLeft(came: readonly Came[]): Promise<string[]> {
  const store = openStore(`${PLACES.var}/kernel`);
  const faults = [...storeFaults(store), ...came.flatMap((one) => untold(store, one))];
  await store.close();
  return [...faults, ...(await faultsOf(async () => void (await verifyLog(log(), 1))))];
}

/** Holds the running log against every checkpoint before: call it after each start. */
export function watchLog(): () => Promise<string[]> {
  let before: string | null = null;
  return () =>
    faultsOf(async () => {
      if (before !== null) verifyGrowth(log(), before);
      before = readFileSync(`${LOG}/checkpoint`, "utf8");
    });
}

function log() {
  return { folder: LOG, key: readKey(readFileSync(`${LOG}/key`, "utf8").trim()) };
}

async function faultsOf(work: () => Promise<void>): Promise<string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof Unproven) return [`The log: ${error.message}`];
    throw error;
  }
}

/** An effect without its entry, or an entry of an effect that did not happen and says nothing of it. */
function untold(store: Store, came: Came): string[] {
  const rows = store.auditByTask.under([came.task]);
  const entries = rows.map(
    ({ key }) => JSON.parse(store.audit.get((key as [string, number])[1])?.entry ?? "{}") as Entry,
  );
  return Object.entries(deeds).flatMap(([what, capability]) => {
    const of = entries.filter((entry) => entry.capability === capability);
    const happened = came[what as keyof typeof deeds] > 0;
    const isIntended = of.some(({ verb, decision }) => verb === "intend" && decision === "allowed");
    const isClaimed = of.some(
      ({ verb, outcome }) => verb !== "intend" && (outcome === "done" || outcome === "happened"),
    );
    if (happened && !isIntended) return [`${came.task}: ${capability} happened and is not in the log.`];
    if (!happened && isClaimed && !isUnknown(came)) return [`${came.task}: the log says ${capability} happened.`];
    return [];
  });
}
