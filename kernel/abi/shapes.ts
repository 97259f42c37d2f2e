/** What the messages are made of: the shape of one, and schemas that stand in several. */
import { type TSchema, Type } from "typebox";
import { FIELD_CHARS_MAX, KEY_CHARS_MAX, TEXT_CHARS_MAX } from "./bounds.ts";

export function message<const R extends Record<string, TSchema>, const V extends TSchema>(request: R, value: V) {
  return { request: Type.Object(request, { additionalProperties: false }), value };
}

export function object<const P extends Record<string, TSchema>>(properties: P) {
  return Type.Object(properties, { additionalProperties: false });
}

export const nothing = object({});
export const nullable = <const T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Sentence = Type.String({ maxLength: 4096 });
/** Free text of people and agents; in the kernel's hands it holds tokens only. */
export const Text = Type.String({ maxLength: TEXT_CHARS_MAX });
const Scalar = Type.Union([Type.String({ maxLength: FIELD_CHARS_MAX }), Type.Number(), Type.Boolean(), Type.Null()]);
/** Named fields of a submission or an answer. */
export const Fields = Type.Record(Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" }), Scalar, {
  additionalProperties: false,
  maxProperties: 64,
});
export const loggedNames = (maxItems: number) => Type.Array(Type.String({ maxLength: 64 }), { maxItems });
export const AnyJson = Type.Unknown();
/** Tokenised arguments of a call, already valid against the operation's schema. */
export const Arguments = Type.Record(Type.String({ pattern: "^[^]{0,64}$" }), AnyJson, { additionalProperties: false });
export const Jwt = Type.String({ maxLength: KEY_CHARS_MAX });
