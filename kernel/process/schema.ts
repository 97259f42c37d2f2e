/** Compiled schema checks: what a peer sent either is the message, or it is a violation with a place in it. */
import { Ajv, type ValidateFunction } from "ajv";
import type { Static, TSchema } from "typebox";

const ajv = new Ajv({ strict: true, strictTypes: false, allowUnionTypes: true, ownProperties: true });

export type Check<S extends TSchema> = (value: unknown) => { ok: true; value: Static<S> } | { ok: false; why: string };

/** Compiles `schema` once. `why` names the place and the rule, never the offending value. */
export function compile<S extends TSchema>(schema: S): Check<S> {
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) => (validate(value) ? { ok: true, value: value as Static<S> } : { ok: false, why: explain(validate) });
}

/**
 * Compiles `schema` and adds what a schema cannot say: `fault` names the place and the rule (`/slots is more than …`), or
 * returns undefined.
 */
export function refine<S extends TSchema>(schema: S, fault: (value: Static<S>) => string | undefined): Check<S> {
  const shape = compile(schema);
  return (value) => {
    const checked = shape(value);
    const why = checked.ok ? fault(checked.value) : undefined;
    return why === undefined ? checked : { ok: false, why };
  };
}

function explain(validate: ValidateFunction): string {
  const error = validate.errors?.[0];
  if (error === undefined) return "does not match";
  const name = error.params["additionalProperty"] ?? error.params["propertyName"];
  const extra = name === undefined ? "" : ` (${JSON.stringify(String(name).slice(0, 64))})`;
  return `${error.instancePath === "" ? "the whole" : error.instancePath} ${error.message ?? "does not match"}${extra}`;
}
