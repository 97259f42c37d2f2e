/**
 * Capabilities and limits as people write them (policy.yaml, people.yaml) -> the grant the kernel decides with.
 *
 * Threat: a limit that was meant and is not in force: misspelled, in another currency, on a number nobody counts.
 * Contract: every capability is a declared operation that roles may have; every limit is on `calls` or on a number that operation
 * declares as limited, in a currency it takes; every limited number has a limit.
 * Failure: a fault is a place and a rule in one sentence (`/refund:create/amount is …`); there is no partial grant.
 */
import { type Static, Type } from "typebox";
import { type Capabilities, type Limit, scopes } from "./abi/grant.ts";
import { Capability } from "./abi/ids.ts";
import { canonical } from "./abi/json.ts";
import type { Operation, Operations } from "./abi/operations.ts";
import { parseMoney } from "./money.ts";

/** One limit: a plain number, money, or money in several currencies. */
const Most = Type.Union([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ maxLength: 40 }),
  Type.Array(Type.String({ maxLength: 40 }), { minItems: 1, maxItems: 8 }),
]);
type Most = Static<typeof Most>;

const Scoped = Type.Object(Object.fromEntries(scopes.map((scope) => [scope, Type.Optional(Most)])), {
  additionalProperties: false,
  minProperties: 1,
});

/** `refund:create: { amount: { call: "500.00 USD" }, calls: { task: 3 } }`. */
export const WrittenCapabilities = Type.Record(
  Capability,
  Type.Record(Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" }), Scoped, { additionalProperties: false }),
  { additionalProperties: false, maxProperties: 64 },
);
export type WrittenCapabilities = Static<typeof WrittenCapabilities>;
type WrittenLimits = WrittenCapabilities[string];

/** The grant, canonical: it travels in the base key, with which HTTP headers must cope. */
export const GRANT_BYTES_MAX = 8 * 1024;
const CALLS = "calls";

/** The grant these words ask for, or the fault in them (a text). */
export function grantOf(written: WrittenCapabilities, operations: Operations): Capabilities | string {
  const grant: Capabilities = {};
  for (const [capability, limits] of Object.entries(written)) {
    const operation = operations.get(capability);
    if (operation === undefined) return `/${capability} is not an operation of this appliance`;
    if (operation.caller === "vault") return `/${capability} is the vault's own and cannot be granted`;
    const made = limitsOf(limits, operation);
    if (typeof made === "string") return `/${capability}${made}`;
    grant[capability] = made;
  }
  const bytes = Buffer.byteLength(canonical(grant));
  return bytes <= GRANT_BYTES_MAX
    ? grant
    : ` asks for more than fits into a base key (${bytes} of ${GRANT_BYTES_MAX} bytes)`;
}

function limitsOf(written: WrittenLimits, operation: Operation): Limit[] | string {
  const bare = Object.keys(operation.limited ?? {}).find((measure) => !Object.hasOwn(written, measure));
  if (bare !== undefined) return ` needs a limit on ${bare}`;
  const limits: Limit[] = [];
  for (const [measure, scoped] of Object.entries(written)) {
    const unit = unitOf(measure, operation);
    if (unit === undefined) return `/${measure} is not a number that can be limited here`;
    for (const scope of scopes) {
      const most = scoped[scope];
      if (most === undefined) continue;
      if (measure === CALLS && scope === "call") return `/${measure}/${scope} has no meaning: a call is one call`;
      const maxima = unit === "count" ? countOf(most) : moneyOf(most, unit.currencies);
      if (typeof maxima === "string") return `/${measure}/${scope} ${maxima}`;
      limits.push(...maxima.map((max) => ({ measure, scope, ...max })));
    }
  }
  return limits;
}

type Unit = "count" | { currencies: readonly string[] | undefined };
type Maximum = Pick<Limit, "unit" | "max">;

/** What `measure` is counted in; undefined when it cannot be limited. */
function unitOf(measure: string, operation: Operation): Unit | undefined {
  if (measure === CALLS) return "count";
  const source = Object.hasOwn(operation.limited ?? {}, measure) ? operation.limited?.[measure] : undefined;
  if (source === undefined || source === "count") return source;
  return { currencies: operation.arguments[source]?.enum };
}

function countOf(most: Most): Maximum[] | string {
  return typeof most === "number" ? [{ unit: null, max: most }] : "must be a whole number without a currency";
}

function moneyOf(most: Most, currencies: readonly string[] | undefined): Maximum[] | string {
  const maxima = new Map<string, number>();
  for (const text of Array.isArray(most) ? most : [most]) {
    const money = parseMoney(String(text));
    if (money === null) return 'must be money with a currency, such as "500.00 USD"';
    if (currencies?.includes(money.currency) === false) return `may only be in ${currencies.join(", ")}`;
    if (maxima.has(money.currency)) return `says ${money.currency} twice`;
    maxima.set(money.currency, money.minor);
  }
  return Array.from(maxima, ([unit, max]) => ({ unit, max }));
}
