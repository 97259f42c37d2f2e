/** Capabilities in words, and what changes between what is granted and what is asked. Pure. */

import type { AgentLine } from "../../kernel/abi/console-messages.ts";
import type { Capabilities, Limit } from "../../kernel/abi/grant.ts";
import { money } from "./money.ts";

const scopeWords = {
  call: "a call",
  task: "a task",
  customer_day: "a customer and day",
  role_day: "a day",
} as const;

/** `amount: at most 500.00 USD a call`. */
export function limitText({ measure, scope, unit, max }: Limit): string {
  return `${measure}: at most ${unit === null ? max : money(max, unit)} ${scopeWords[scope]}`;
}

/** One line for each capability and limit; `+` is asked anew, `-` is given up, two spaces stay as they are. */
export function difference(asked: Capabilities, granted: Capabilities | null): string[] {
  const [now, wanted] = [lines(granted ?? {}), lines(asked)];
  const all = [...new Set([...now, ...wanted])].sort();
  return all.map((line) => {
    if (granted === null) return `  ${line}`;
    if (!now.has(line)) return `+ ${line}`;
    return wanted.has(line) ? `  ${line}` : `- ${line}`;
  });
}

/** What its cells are held by, marked as `difference` does; nothing for a role of people. */
export function isolationDifference({ asked, approved }: AgentLine["isolation"]): string[] {
  if (asked === null) return [];
  const line = (isolation: string) => `cells held by ${isolation}`;
  if (approved === null || approved === asked) return [`  ${line(asked)}`];
  return [`+ ${line(asked)}`, `- ${line(approved)}`];
}

function lines(capabilities: Capabilities): Set<string> {
  const rows = Object.entries(capabilities).flatMap(([capability, limits]) =>
    limits.length === 0 ? [capability] : limits.map((limit) => `${capability}  ${limitText(limit)}`),
  );
  return new Set(rows);
}
