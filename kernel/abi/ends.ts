/**
 * The three endings. Every request between processes ends in exactly one; values cross processes, exceptions do not.
 * Silence (a dropped connection, a time-out before anything was dispatched) means *later*.
 */
import type { Json } from "./json.ts";
import { type RefusalCode, refusalCodes } from "./refusals.ts";

export type Done<T> = { end: "done"; value: T };
/** Final: the same request will be refused again. `message` is a sentence the reader can act on. */
export type Refused = { end: "refused"; code: RefusalCode; message: string };
/** Not now: nothing happened that counts, the same request may be sent again. */
export type Later = { end: "later"; message: string };
export type End<T = Json> = Done<T> | Refused | Later;

export function done<T>(value: T): Done<T> {
  return { end: "done", value };
}

export function refused(code: RefusalCode, message: string = refusalCodes[code]): Refused {
  return { end: "refused", code, message };
}

export function later(message: string): Later {
  return { end: "later", message };
}
