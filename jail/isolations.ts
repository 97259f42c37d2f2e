/** The isolations there are, by their name in policy.yaml. */
import { gvisor } from "./gvisor.ts";
import type { Isolation } from "./isolation.ts";
import type { Start } from "./messages.ts";
import { nspawn } from "./nspawn.ts";

export const isolations: Record<Start["isolation"], Isolation> = { gvisor, nspawn };
