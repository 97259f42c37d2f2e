/** The form of every name and id that crosses between processes. */
import { type Static, Type } from "typebox";

const RANDOM = "[0-9a-z]{16}";

export const TaskId = Type.String({ pattern: `^task_${RANDOM}$` });
export const CaseId = Type.String({ pattern: `^case_${RANDOM}$` });
export const AssignmentId = Type.String({ pattern: `^asgn_${RANDOM}$` });
export const CellId = Type.String({ pattern: `^cell_${RANDOM}$` });
export const DeliveryId = Type.String({ pattern: `^dlvr_${RANDOM}$` });
export const LookupId = Type.String({ pattern: `^look_${RANDOM}$` });
/** Stands for the customer inside one case. */
export const CustomerToken = Type.String({ pattern: "^tok_[0-9a-z]{8}$" });
/** Role, frontend, person and kind names. */
export const Name = Type.String({ pattern: "^[a-z][a-z0-9-]{0,39}$" });
export const Capability = Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}:[a-z][a-z0-9_]{0,30}$" });
/** SHA-256, lower-case hex. */
export const Digest = Type.String({ pattern: "^[0-9a-f]{64}$" });
/** Keyed hash of the customer id: the ledger's customer. Never in keys, cells or the log. */
export const Subject = Type.String({ pattern: "^[0-9a-f]{64}$" });
/** Bytes sealed by the vault under the case's key, base64url. The kernel stores them and cannot read them. */
export const Sealed = Type.String({ pattern: "^[A-Za-z0-9_-]+$", maxLength: 1_500_000 });
export const Step = Type.Integer({ minimum: 1, maximum: 10_000 });
export const Epoch = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
export const Slot = Type.Integer({ minimum: 0, maximum: 99 });
/** Milliseconds since 1970 UTC. */
export const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** live acts; shadow, try and replay run the same path and perform no effect. */
export const Mode = Type.Union([
  Type.Literal("live"),
  Type.Literal("shadow"),
  Type.Literal("try"),
  Type.Literal("replay"),
]);

export type Mode = Static<typeof Mode>;

export type IdPrefix = "task" | "case" | "asgn" | "cell" | "dlvr" | "look";

const ALPHABET = "0123456789abcdefghijklmnopqrstuv";

/** A new id: the prefix and 16 characters (80 bits) from `random`, a source of that many random bytes. */
export function newId(prefix: IdPrefix, random: (bytes: number) => Uint8Array): string {
  return `${prefix}_${randomText(16, random)}`;
}

/** `length` characters, five random bits each. */
export function randomText(length: number, random: (bytes: number) => Uint8Array): string {
  return Array.from(random(length), (byte) => ALPHABET[byte & 31]).join("");
}
