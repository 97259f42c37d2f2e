/** Named fields on a command line: `name=text`, or `name:=value` for a number, true, false or null. */
import { InexactJson, parseExact } from "../../kernel/abi/json.ts";
import { CommandEnd, exits } from "./exits.ts";

export type Scalar = string | number | boolean | null;

export function parseFields(given: readonly string[]): Record<string, Scalar> {
  const fields = new Map<string, Scalar>();
  for (const text of given) {
    const [, name, kind, value] = /^([a-z][a-z0-9_]{0,30})(:?=)(.*)$/s.exec(text) ?? usage(text);
    if (fields.has(name as string)) throw new CommandEnd(exits.usage, `The field ${name} is given twice.`);
    fields.set(name as string, kind === "=" ? (value as string) : scalar(text, value as string));
  }
  return Object.fromEntries(fields);
}

function scalar(text: string, value: string): Scalar {
  try {
    const parsed = parseExact(value);
    return parsed !== null && typeof parsed === "object" ? usage(text) : parsed;
  } catch (error) {
    if (error instanceof InexactJson) return usage(text);
    throw error;
  }
}

function usage(text: string): never {
  throw new CommandEnd(
    exits.usage,
    `'${text}' is not a field. Write name=text, or name:=5 for a number, true, false or null.`,
  );
}
