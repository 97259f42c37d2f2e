/**
 * Reads the declared operations, `/etc/silo/operations/*.yaml`, and checks what a schema cannot say. The arguments of one call
 * are checked against a declaration by arguments.ts.
 *
 * Contract: every operation that is returned can be enforced by whoever reads it: limited numbers are integers that only count
 * upwards, every field that is named exists, a read leaves nothing to reconcile, only contacts receive messages.
 * Failure: throws `ConfigError` with file, line, column and a sentence; the process does not start.
 */
import { ConfigError, type Directories, readYamlFolder } from "../process/config.ts";
import { type Check, compile } from "../process/schema.ts";
import { type Argument, type Operation, type Operations, OperationsFile } from "./operations.ts";
import { isContactClass, isTokenClass } from "./tokens.ts";

/** All operations of the appliance. Throws `ConfigError`. */
export function readOperations(dirs: Pick<Directories, "etc">): Operations {
  const operations = new Map<string, Operation & { readonly proxy: string }>();
  for (const file of readYamlFolder(dirs, "operations", checkFile())) {
    for (const [capability, operation] of Object.entries(file.operations))
      operations.set(capability, { ...operation, proxy: file.proxy });
  }
  if (operations.size === 0) throw new ConfigError(`No operation is declared in ${dirs.etc}/operations.`);
  return operations;
}

/** Checks one file after the other; remembers what earlier ones declared. */
function checkFile(): Check<typeof OperationsFile> {
  const shape = compile(OperationsFile);
  const capabilities = new Set<string>();
  const proxies = new Set<string>();
  return (value) => {
    const checked = shape(value);
    if (!checked.ok) return checked;
    const { proxy, operations } = checked.value;
    if (proxies.has(proxy)) return { ok: false, why: "/proxy has another file already" };
    proxies.add(proxy);
    for (const [capability, operation] of Object.entries(operations)) {
      const fault = capabilities.has(capability) ? " is declared twice" : operationFault(operation);
      if (fault !== undefined) return { ok: false, why: `/operations/${capability}${fault}` };
      capabilities.add(capability);
    }
    return checked;
  };
}

/** A place below the operation and what is wrong there: `/limited/amount is not an integer argument`. */
function operationFault(operation: Operation): string | undefined {
  return argumentFaults(operation) ?? limitedFault(operation) ?? resultFault(operation) ?? effectFault(operation);
}

function argumentFaults(operation: Operation): string | undefined {
  for (const [name, argument] of Object.entries(operation.arguments)) {
    const fault = argumentFault(argument, operation);
    if (fault !== undefined) return `/arguments/${name}${fault}`;
  }
  return undefined;
}

function argumentFault(argument: Argument, operation: Operation): string | undefined {
  const textual = argument.type === "string" || argument.type === "array";
  const ruled = ["enum", "pattern", "min_length", "max_length"].find((rule) => Object.hasOwn(argument, rule));
  if (argument.class === "customer") return "/class names a customer; the customer comes from the case alone";
  if (argument.class !== "public" && !textual) return "/class stands for text, so the type must be string or array";
  if (argument.class === "sealed" && argument.type !== "string") return "/class sealed takes one string";
  if (ruled !== undefined && !textual) return `/${ruled} is a rule for text`;
  if (ruled !== undefined && isTokenClass(argument.class)) return `/${ruled} cannot rule a token`;
  if (argument.type !== "integer" && (argument.minimum ?? argument.maximum) !== undefined)
    return " has a minimum or maximum and is not an integer";
  if (argument.type !== "array" && argument.max_items !== undefined) return "/max_items is a rule for arrays";
  if ((argument.min_length ?? 0) > (argument.max_length ?? Infinity)) return "/min_length is over max_length";
  if ((argument.minimum ?? -Infinity) > (argument.maximum ?? Infinity)) return "/minimum is over maximum";
  return patternFault(argument.pattern) ?? contactFault(argument, operation);
}

function patternFault(pattern: string | undefined): string | undefined {
  try {
    new RegExp(pattern ?? "", "u");
    return undefined;
  } catch {
    return "/pattern is not a regular expression";
  }
}

function contactFault(argument: Argument, operation: Operation): string | undefined {
  if (argument.recipient && !isContactClass(argument.class)) return "/recipient needs a contact class";
  if (!argument.writes_contact) return undefined;
  if (!isContactClass(argument.class)) return "/writes_contact needs a contact class";
  if (operation.effect !== "write") return "/writes_contact stands in a read";
  return undefined;
}

function limitedFault(operation: Operation): string | undefined {
  for (const [name, unit] of Object.entries(operation.limited ?? {})) {
    const place = `/limited/${name}`;
    const number = own(operation.arguments, name);
    if (number?.type !== "integer" || number.class !== "public") return `${place} is not a public integer argument`;
    if (number.optional) return `${place} is optional, so it could be left out of the count`;
    if ((number.minimum ?? -1) < 0) return `${place} needs a minimum of at least 0, or it could count backwards`;
    if (unit === "count") continue;
    const currency = own(operation.arguments, unit);
    if (currency?.type !== "string" || currency.class !== "public" || currency.optional)
      return `${place} names ${unit}, which is not a required public string argument`;
  }
  if (operation.limited !== undefined && Object.hasOwn(operation.limited, "calls"))
    return "/limited/calls is the name of the count of calls itself";
  return undefined;
}

function resultFault(operation: Operation): string | undefined {
  for (const [name, field] of Object.entries(operation.result.fields)) {
    if (field.contact && !isContactClass(field.class)) return `/result/fields/${name}/contact needs a contact class`;
    if (field.contact && operation.customer === "none")
      return `/result/fields/${name}/contact is a customer's, and the operation has none`;
  }
  const stray = Object.keys(operation.shadow ?? {}).find((name) => !Object.hasOwn(operation.result.fields, name));
  return stray === undefined ? undefined : `/shadow/${stray} is not a result field`;
}

function effectFault(operation: Operation): string | undefined {
  const read = operation.effect === "read";
  if (read && operation.reconcile !== "none") return "/reconcile must be none for a read";
  if (!read && operation.reconcile === "none") return "/reconcile must say how a write is decided";
  if (read && operation.shadow !== undefined) return "/shadow stands in for an effect, and a read has none";
  if (read && operation.limited !== undefined) return "/limited counts effects, and a read has none";
  if (operation.caller === "vault" && !read) return "/caller vault may only read";
  return undefined;
}

function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
