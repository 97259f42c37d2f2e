/** How the door answers a request: it decides first, and only then acts. */
import type { End } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { Lost } from "../../kernel/process/connect.ts";
import type { Exchange } from "../../kernel/process/http.ts";
import type { Door } from "./door.ts";
import type { Occupant } from "./slot.ts";

export type Answer = { readonly status: number; readonly body: Json };

/** What was decided may be done; it settles with the answer, or undefined where the exchange is held and answered later. */
export type Act = () => Promise<Answer | undefined>;

/** A refusal decided here is a finding for the kernel. `capability` and `step`: what was asked for, as far as the door knows it. */
export type Decision = { readonly end: End<Act>; readonly capability?: string; readonly step?: number };

export type Decide = (door: Door, occupant: Occupant, exchange: Exchange) => Promise<Decision>;

/** The three endings on the wire. Lost is *later* to a cell: it asks the same step again, and the kernel makes that the same intent. */
export function answerOf(end: End<Json> | Lost): Answer {
  if (end.end === "done") return { status: 200, body: { end: "done", value: end.value } };
  if (end.end === "refused") return { status: 403, body: { end: "refused", code: end.code, message: end.message } };
  return {
    status: 503,
    body: { end: "later", message: end.end === "later" ? end.message : "No answer came; ask again." },
  };
}
