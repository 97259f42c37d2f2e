/**
 * Delivery receipts (SMPP 3.4, 4.6 and appendix B), read from what the SMSC sends.
 *
 * Threat: an SMSC, or a customer's text that a receipt quotes, makes a message look delivered that was not.
 * Contract: a receipt is a deliver_sm marked as one, with the id of a message and a state of the closed list; parameters come before
 * text, and what is quoted after `text:` is never read.
 * Failure: undefined; the SMSC is told no, and nothing is recorded.
 */
export const states = [
  "accepted",
  "en_route",
  "delivered",
  "expired",
  "deleted",
  "undeliverable",
  "unknown",
  "rejected",
] as const;
export type State = (typeof states)[number];

/** `id`: as submit_sm_resp gave it. `reference`: user_message_reference of the message, where the receipt carries it. */
export type Receipt = { id: string; state: State; reference: number | undefined };

/** Longest text of a receipt that is read, in characters. Those of appendix B have about 120. */
export const RECEIPT_CHARS_MAX = 1024;
/** esm_class: its message type, and the type of a receipt (5.2.12). */
const TYPE_BITS = 0b0011_1100;
const TYPE_RECEIPT = 0b0000_0100;
/** message_id: 65 octets with the terminating zero, printable (4.4.2). */
const ID = /^[!-~]{1,64}$/;

/** Table 5-6 of 5.2.28. */
const byNumber: Readonly<Record<number, State>> = {
  1: "en_route",
  2: "delivered",
  3: "expired",
  4: "deleted",
  5: "undeliverable",
  6: "accepted",
  7: "unknown",
  8: "rejected",
};
/** Appendix B. */
const byWord: Readonly<Record<string, State>> = {
  ENROUTE: "en_route",
  DELIVRD: "delivered",
  EXPIRED: "expired",
  DELETED: "deleted",
  UNDELIV: "undeliverable",
  ACCEPTD: "accepted",
  UNKNOWN: "unknown",
  REJECTD: "rejected",
};

/** No other state follows it. */
export function isFinal(state: State): boolean {
  return state !== "accepted" && state !== "en_route";
}

/** Reads one deliver_sm. `ids`: how its text writes ids. */
export function readReceipt(pdu: Readonly<Record<string, unknown>>, ids: "same" | "decimal"): Receipt | undefined {
  const type = pdu["esm_class"];
  if (typeof type !== "number" || (type & TYPE_BITS) !== TYPE_RECEIPT) return undefined;
  const text = textOf(pdu["message_payload"]) ?? textOf(pdu["short_message"]) ?? "";
  if (text.length > RECEIPT_CHARS_MAX) return undefined;
  const [head = ""] = text.split(/\btext:/i);
  const id = idOf(pdu["receipted_message_id"], head, ids);
  const state = stateOf(pdu["message_state"], head);
  if (id === undefined || state === undefined) return undefined;
  const reference = pdu["user_message_reference"];
  return { id, state, reference: typeof reference === "number" ? reference : undefined };
}

/** The id a submit_sm_resp gave, as receipts are looked up by it; undefined where it gave none. */
export function answeredId(id: unknown, ids: "same" | "decimal"): string | undefined {
  if (typeof id !== "string" || !ID.test(id)) return undefined;
  return ids === "same" ? id : id.toLowerCase().replace(/^0+(?=.)/, "");
}

/** smpp hands over text as `{ message }`. */
function textOf(field: unknown): string | undefined {
  const { message } = Object(field) as { message?: unknown };
  return typeof message === "string" && message !== "" ? message : undefined;
}

function idOf(parameter: unknown, head: string, ids: "same" | "decimal"): string | undefined {
  if (parameter !== undefined) return answeredId(parameter, ids);
  const written = /^\s*id:(\S+)/i.exec(head)?.[1];
  if (written === undefined || ids === "same") return answeredId(written, ids);
  return /^[0-9]{1,20}$/.test(written) ? BigInt(written).toString(16) : undefined;
}

function stateOf(parameter: unknown, head: string): State | undefined {
  if (parameter !== undefined) return typeof parameter === "number" ? byNumber[parameter] : undefined;
  return byWord[(/\bstat:([A-Z]{7})\b/i.exec(head)?.[1] ?? "").toUpperCase()];
}
