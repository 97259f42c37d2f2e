/** What a role may do: capabilities, each with its limits. The same shape in the base key and in the kernel's records. */
import { type Static, Type } from "typebox";
import { Capability } from "./ids.ts";

/** call: one call. task: one task. customer_day, role_day: one calendar day in the appliance's time zone. */
export const scopes = ["call", "task", "customer_day", "role_day"] as const;
export type Scope = (typeof scopes)[number];

/**
 * One limit. `measure` is `calls` (how often) or the name of a limited number of the operation; `unit` is a currency code
 * for money (then `max` counts minor units) or null for a plain number.
 */
export const Limit = Type.Object(
  {
    measure: Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" }),
    scope: Type.Union([
      Type.Literal("call"),
      Type.Literal("task"),
      Type.Literal("customer_day"),
      Type.Literal("role_day"),
    ]),
    unit: Type.Union([Type.Null(), Type.String({ pattern: "^[A-Z]{3}$" })]),
    max: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);
export type Limit = Static<typeof Limit>;

export const Capabilities = Type.Record(Capability, Type.Array(Limit, { maxItems: 32 }), {
  additionalProperties: false,
});
export type Capabilities = Static<typeof Capabilities>;
