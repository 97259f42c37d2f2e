/** The statements of the declared operations, bound and checked against their arguments. */
import type { Json } from "../../kernel/abi/json.ts";
import type { Operation, Operations } from "../../kernel/abi/operations.ts";
import { ConfigError } from "../../kernel/process/config.ts";
import type { Call } from "../proxy/admit.ts";
import { BindError, bindNames } from "./bind.ts";

/** Names the vault and the permit bind; no argument can have them. */
const GIVEN = ["customer", "case"];

export type Statement = { text: string; parameters(call: Call): Json[] };

/** By capability. Throws `ConfigError` where SQL and declaration disagree. */
export function compileStatements(operations: Operations): ReadonlyMap<string, Statement> {
  const own = [...operations].filter(([, { proxy }]) => proxy === "database");
  return new Map(own.map(([capability, operation]) => [capability, compileStatement(capability, operation)]));
}

function compileStatement(capability: string, operation: Operation): Statement {
  const { text, names } = bind(capability, operation.action["sql"]);
  const fault = nameFault(names, operation);
  if (fault !== undefined) throw new ConfigError(`${capability}: ${fault}`);
  return { text, parameters: (call) => names.map((name) => parameter(name, call)) };
}

function bind(capability: string, sql: unknown) {
  if (typeof sql !== "string") throw new ConfigError(`${capability}: its action has no sql.`);
  try {
    return bindNames(sql);
  } catch (error) {
    if (error instanceof BindError) throw new ConfigError(`${capability}: its sql is not usable. ${error.message}`);
    throw error;
  }
}

function nameFault(names: readonly string[], operation: Operation): string | undefined {
  const declared = Object.keys(operation.arguments);
  const taken = declared.find((name) => GIVEN.includes(name));
  const unknown = names.find((name) => !declared.includes(name) && !GIVEN.includes(name));
  const unused = declared.find((name) => !names.includes(name));
  if (taken !== undefined) return `an argument cannot be called ${taken}.`;
  if (unknown !== undefined) return `its sql names :${unknown}, which is no argument.`;
  if (unused !== undefined) return `its sql does not use the argument ${unused}.`;
  if (names.includes("customer") && operation.customer === "none") return "its sql names :customer and it has none.";
  return undefined;
}

function parameter(name: string, call: Call): Json {
  if (name === "customer") return call.customer;
  if (name === "case") return call.case;
  return Object.hasOwn(call.values, name) ? (call.values[name] as Json) : null;
}
