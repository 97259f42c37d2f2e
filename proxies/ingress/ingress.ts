/** What ingress works with. */
import type { ingressToKernel, ingressToVault } from "../../kernel/abi/messages.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import type { Client } from "../../kernel/process/connect.ts";
import type { Answers } from "./answers.ts";
import type { FindFrontend } from "./frontends.ts";
import type { Allow } from "./rate.ts";

export type Ingress = {
  readonly kernel: Client<typeof ingressToKernel>;
  readonly vault: Client<typeof ingressToVault>;
  readonly settings: Pick<Settings, "kinds" | "frontends">;
  readonly findFrontend: FindFrontend;
  readonly allow: Allow;
  readonly answers: Answers;
  /** Requests that have no answer yet. */
  readonly inHand: Set<Promise<void>>;
  /** Told to stop: what comes now comes later. */
  isStopping: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};
