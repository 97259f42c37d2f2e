/** What dispatch does with the calls and the end of a cell whose run is not live, whatever its mode. */
import { done, type End } from "./abi/ends.ts";
import { digest, type JsonObject } from "./abi/json.ts";
import type { doorToKernel, RequestOf } from "./abi/messages.ts";
import type { Attempt } from "./attempts.ts";
import type { Over } from "./cell.ts";
import { type Comparison, placeOf, staleness } from "./comparison.ts";
import { type Core, note } from "./core.ts";
import type { Intend, Intended } from "./intend.ts";
import { decideUnspent } from "./not-live.ts";
import type { Ending } from "./records.ts";
import { answerRecorded } from "./replay.ts";

/** A cell whose run is not live. */
type Compared = Attempt & { comparison: Comparison };

export function isCompared(attempt: Attempt | undefined): attempt is Compared {
  return attempt !== undefined && attempt.comparison !== null;
}

/** Decides one call, inside a transaction that holds its audit entry. */
export function compareCall(core: Core, comparison: Comparison, call: Intend): End<Intended> {
  const callDigest = digest(call.arguments as JsonObject);
  const decide = comparison.mode === "replay" ? answerRecorded : decideUnspent;
  const end = staleness(comparison, call) ?? decide(core, comparison, call, callDigest);
  const allowed = comparison.mode === "replay" ? ("replayed" as const) : ("allowed" as const);
  note(core, "intend", {
    ...placeOf(core.store, comparison),
    ...(core.operations.has(call.capability) && { capability: call.capability }),
    ...{ step: call.step, arguments: callDigest, decision: end.end === "done" ? allowed : "refused" },
    ...(end.end === "refused" && { code: end.code }),
  });
  return end;
}

/** The same for a cell; one whose replay differs has told what there is to tell. */
export async function compareCallOf(core: Core, attempt: Compared, call: Intend): Promise<End<Intended>> {
  const { comparison } = attempt;
  const end = await core.commit(() => compareCall(core, comparison, call));
  if (comparison.difference !== null) attempt.end({ how: "settled", ending: null });
  return end;
}

/** The cell's last word: it ends the run and nothing else. */
export function endComparison(
  attempt: Compared,
  body: RequestOf<typeof doorToKernel, "end">,
): End<Record<string, never>> {
  const { comparison } = attempt;
  const stale = staleness(comparison, body);
  if (stale !== null) return stale;
  comparison.over = true;
  attempt.end({ how: "settled", ending: body.ending });
  return done({});
}

/** How a run ended; null: it was ended here. */
export function endingOf(over: Over): Ending | null {
  return over.how === "settled" ? over.ending : over;
}
