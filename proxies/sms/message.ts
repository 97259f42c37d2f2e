/**
 * One SMS: what may be said to whom.
 *
 * Threat: a text that a phone takes for something else; a recipient that is not one number; a text so long that it costs a fortune.
 * Contract: exactly one recipient; visible text and line ends alone, in one PDU however long it is, so that it is taken whole or not at
 * all; the id is the same for every attempt at one call.
 * Failure: ARGUMENT_INVALID, before anything is recorded or sent.
 */
import { createHash } from "node:crypto";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Call, Intent } from "../proxy/admit.ts";
import { type Address, recipientOf } from "./address.ts";
import { type Encoded, encodeText } from "./alphabet.ts";

/** `id`: ours, which the cell gets. */
export type Message = Encoded & { id: string; from: Address; to: Address };

/** SMS one text may take: 1,530 characters of the GSM alphabet, 670 of others. */
export const PARTS_MAX = 10;

/** Control characters but line ends. */
const NOT_IN_TEXT = /[^\P{Cc}\n\r]/u;

/** Composes the message of one call. */
export function composeMessage(call: Pick<Call, "key" | "values">, from: Address): End<Message> {
  const { to: value, text } = call.values as { to: string; text: string };
  const to = recipientOf(value);
  if (to === undefined)
    return refused("ARGUMENT_INVALID", "The recipient's value is not one international number, as +49 30 5550100.");
  if (NOT_IN_TEXT.test(text)) return refused("ARGUMENT_INVALID", 'The argument "text" has control characters.');
  const encoded = encodeText(text);
  if (encoded.parts > PARTS_MAX)
    return refused("ARGUMENT_INVALID", `The text takes ${encoded.parts} SMS and may take ${PARTS_MAX}: shorten it.`);
  return done({ ...encoded, id: messageId(call.key), from, to });
}

/** Our id of the message of a call: the same for every attempt, and nothing can be read from it. */
export function messageId(key: Intent["key"]): string {
  return `sms_${createHash("sha256").update(key).digest("hex").slice(0, 40)}`;
}
