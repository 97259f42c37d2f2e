/** A run that is not live, as people read it: its calls, its ending, and where it differs from what was recorded. Pure. */
import type { consoleToKernel } from "../../kernel/abi/console-messages.ts";
import type { ValueOf } from "../../kernel/abi/messages.ts";
import { block, count } from "./text.ts";

type Tried = ValueOf<typeof consoleToKernel, "task_try">;
type Run = Pick<Tried, "calls" | "ending">;
type Difference = NonNullable<Tried["difference"]>;

/** Digits of a digest that tell two bundles apart at a glance. */
const DIGEST_DIGITS = 12;

export function showRun(heading: string, { calls, ending }: Run): string {
  const { how, said } = ending;
  const lines = Object.entries(said).map(([name, value]) => `${name}: ${textOf(value)}`);
  return block(heading, [...calls.map(showCall), `ends: ${how}`, ...lines].join("\n"));
}

function showCall({ step, capability, arguments: given, outcome, code, message }: Run["calls"][number]): string {
  const why = code === null ? "" : ` (${code}: ${message ?? ""})`;
  const what = Object.keys(given).length === 0 ? "" : `  ${JSON.stringify(given)}`;
  return `step ${step}  ${capability}  ${outcome ?? "no answer"}${why}${what}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

const STOOD_IN =
  "Effects were answered by what stands in for their results: an answer that repeats one differs for that alone.";

export function showTried(tried: Tried): string {
  const { role, bundle, approved, calls, compared, difference } = tried;
  const which = approved ? "the approved folder" : "the folder that waits for approval";
  const made = `${role}, ${which} (${bundle.slice(0, DIGEST_DIGITS)}), made ${count(calls.length, "call")}`;
  const parts = [`${made}. Nothing was done: effects are recorded only.`, showRun("what it did", tried)];
  if (!compared) parts.push(`${role} did not have this task, so there is no record to compare with.`);
  else if (difference === null) parts.push("The same calls as recorded.");
  else parts.push(`Different from what was recorded: ${placeOf(difference)}.`, ...showDifference(difference));
  if (difference?.step === null && calls.some(({ outcome }) => outcome === "recorded")) parts.push(STOOD_IN);
  return parts.join("\n\n");
}

export function placeOf({ step }: Difference): string {
  return step === null ? "the end" : `step ${step}`;
}

export function showDifference({ recorded, made }: Difference): string[] {
  return [showDeed("recorded", recorded), showDeed("now", made)];
}

function showDeed(heading: string, deed: Difference["made"]): string {
  if (deed === null) return block(heading, "nothing");
  return block(heading, `${deed.what}\n${JSON.stringify(deed.arguments)}\ndigest ${deed.digest}`);
}
