/**
 * Operations: the schema-checked things behind capabilities, declared in YAML, one file per proxy, one shape for all.
 * A new operation is new YAML and no code. This is the declared shape; operations-file.ts reads and checks the files.
 */
import { type Static, Type } from "typebox";
import { Capability, Name } from "./ids.ts";

/**
 * Personal-data class of a field.
 * `public`: crosses as it is. `text`: free text, swept for known values and detected ones. `customer`: the customer's id,
 * crosses as the customer token. `sealed`: stored outside as noise under the case's key. All others: one personal value, crosses as a token `[CLASS_n]`.
 */
const fieldClasses = [
  "public",
  "text",
  "customer",
  "sealed",
  "name",
  "email",
  "phone",
  "address",
  "iban",
  "card",
  "birthdate",
  "other",
] as const;
export type FieldClass = (typeof fieldClasses)[number];
const FieldClass = Type.Enum(fieldClasses);

const FieldName = Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" });

/** One argument: a small part of JSON Schema (checked by ajv) and its class. */
export const Argument = Type.Object(
  {
    type: Type.Union([Type.Literal("string"), Type.Literal("integer"), Type.Literal("boolean"), Type.Literal("array")]),
    class: FieldClass,
    optional: Type.Optional(Type.Boolean()),
    enum: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 64 })),
    /** Of the whole text, tied to both ends by whoever checks it. */
    pattern: Type.Optional(Type.String({ maxLength: 200 })),
    min_length: Type.Optional(Type.Integer({ minimum: 0 })),
    max_length: Type.Optional(Type.Integer({ minimum: 0, maximum: 32_768 })),
    minimum: Type.Optional(Type.Integer()),
    maximum: Type.Optional(Type.Integer()),
    /** For arrays: strings only. */
    max_items: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    /** This argument receives the message: it must be a contact token of this customer, not written in this case. */
    recipient: Type.Optional(Type.Boolean()),
    /** Writing it makes the customer's contact of that class unusable as a recipient in this case. */
    writes_contact: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Argument = Static<typeof Argument>;

export const ResultField = Type.Object(
  {
    class: FieldClass,
    /** A contact of this case's customer: its token may be a recipient. */
    contact: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type ResultField = Static<typeof ResultField>;

export const Operation = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    effect: Type.Union([Type.Literal("read"), Type.Literal("write")]),
    /** `required`: refused in a case with no customer; the proxy gets the customer's id from the vault. */
    customer: Type.Union([Type.Literal("required"), Type.Literal("none")]),
    /** `agent`: behind a capability. `vault`: the vault's own look-up (known values of a customer), never granted to a role. */
    caller: Type.Optional(Type.Union([Type.Literal("agent"), Type.Literal("vault")])),
    arguments: Type.Record(FieldName, Argument, { additionalProperties: false }),
    result: Type.Object(
      {
        /** `one`: an object, refused NOT_FOUND when absent. `maybe`: an object or null. `many`: an array of objects. */
        rows: Type.Union([Type.Literal("one"), Type.Literal("maybe"), Type.Literal("many")]),
        fields: Type.Record(FieldName, ResultField, { additionalProperties: false }),
      },
      { additionalProperties: false },
    ),
    /** Limited numbers: argument name -> the argument that names its currency, or `count` for a plain number. */
    limited: Type.Optional(
      Type.Record(FieldName, Type.Union([FieldName, Type.Literal("count")]), { additionalProperties: false }),
    ),
    /** What a run that is not live gets back instead of the effect. */
    shadow: Type.Optional(
      Type.Record(FieldName, Type.Union([Type.String(), Type.Integer(), Type.Boolean(), Type.Null()])),
    ),
    /** How an intent without outcome is decided. `transaction`: effect and record commit together. `record`: the proxy's own durable record. `none`: reads. */
    reconcile: Type.Union([Type.Literal("transaction"), Type.Literal("record"), Type.Literal("none")]),
    /** What the proxy does: its own vocabulary (`sql: …` for database, `template: true` for email, `command: get` for kv). */
    action: Type.Record(FieldName, Type.Union([Type.String({ maxLength: 8192 }), Type.Integer(), Type.Boolean()])),
  },
  { additionalProperties: false },
);
export type Operation = Static<typeof Operation>;

export const OperationsFile = Type.Object(
  { proxy: Name, operations: Type.Record(Capability, Operation, { additionalProperties: false }) },
  { additionalProperties: false },
);
export type OperationsFile = Static<typeof OperationsFile>;

/** All operations of the appliance, by capability. */
export type Operations = ReadonlyMap<string, Operation & { readonly proxy: string }>;
