/** `silo task list`, `show`, `take`, `call`, `decide`, `return`, `finish`, `replay`, `try`. */
import type { consoleToKernel, TaskLine } from "../../kernel/abi/console-messages.ts";
import type { RequestOf, ValueOf } from "../../kernel/abi/messages.ts";
import { CommandEnd, exits } from "./exits.ts";
import { parseFields } from "./fields.ts";
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { placeOf, showDifference, showRun, showTried } from "./run.ts";
import { block, count, list, localTime, table } from "./text.ts";

type Shown = ValueOf<typeof consoleToKernel, "task_show">;
export type Decision = RequestOf<typeof consoleToKernel, "task_decide">["decision"];
type Fields = Shown["document"]["fields"];

type Compared = ValueOf<typeof consoleToKernel, "task_replay">;

export type ListOptions = { role?: string; dead?: boolean; limit: number };

export async function taskList(
  world: World,
  state: TaskLine["state"] | undefined,
  { role, dead = false, limit }: ListOptions,
): Promise<Output> {
  const filter = { state: state ?? null, role: role ?? null, dead, limit };
  const { tasks } = await asPerson(world, (ask) => ask("task_list", filter));
  return { json: { tasks }, text: showTasks(tasks, limit) };
}

export function showTasks(tasks: readonly TaskLine[], limit: number): string {
  if (tasks.length === 0) return "No such tasks.";
  const rows = tasks.map((task) => [
    task.task,
    task.kind,
    task.event ?? task.state,
    task.role,
    task.person,
    localTime(task.updated),
    task.reason,
  ]);
  const more = tasks.length === limit ? "\n(There may be more: raise --limit.)" : "";
  return `${table(["TASK", "KIND", "STATE", "WITH", "PERSON", "UPDATED", "REASON"], rows)}${more}`;
}

export async function taskShow(world: World, task: string): Promise<Output> {
  const shown = await asPerson(world, (ask) => ask("task_show", { task }));
  return { json: shown, text: showTask(shown) };
}

export function showTask({ line, document, journal, result, unknown, shadow }: Shown): string {
  const parts = [
    list([
      ["task", line.task],
      ["case", line.case],
      ["kind", line.kind],
      ["state", line.event === null ? line.state : `${line.state} (${line.event})`],
      ["with", line.person === null ? line.role : `${line.person} (${line.role})`],
      ["reason", line.reason],
      ["attempts", line.attempts],
      ["created", localTime(line.created)],
      ["updated", localTime(line.updated)],
      ["customer", document.customer],
    ]),
    block("what was asked", [showFields(document.fields), document.text].filter(Boolean).join("\n")),
    ...document.history.map(({ role, reason, recommendation, facts }) =>
      block(
        `handed over by ${role}`,
        `reason: ${reason}\nrecommends: ${recommendation}\n${showFields(facts)}`.trimEnd(),
      ),
    ),
    block(`calls (${count(journal.length, "step")})`, journal.map(showStep).join("\n") || "none"),
  ];
  if (unknown.length > 0) parts.push(block("nobody can tell whether these happened", showUnknown(line, unknown)));
  if (result !== null) parts.push(block("answer", [result.text, showFields(result.fields)].filter(Boolean).join("\n")));
  if (shadow !== null) parts.push(showShadow(shadow));
  return parts.join("\n\n");
}

/** What the agent did beside the person. */
function showShadow({ role, state, run }: NonNullable<Shown["shadow"]>): string {
  if (run !== null) return showRun(`in shadow: ${role}, of which nothing was done`, run);
  const words = state === "due" ? "It has not run yet." : "It did not come to run.";
  return block(`in shadow: ${role}`, words);
}

/** Each effect with the words that decide it; a step that names two calls needs its assignment. */
function showUnknown({ task, state, person }: TaskLine, unknown: Shown["unknown"]): string {
  const lines = unknown.map(({ assignment, role, step, capability }) => {
    const others = unknown.filter((other) => other.step === step).length > 1;
    const which = others ? ` --assignment ${assignment}` : "";
    return `step ${step}  ${capability}  of ${role}: silo task decide ${task} ${step} happened|did-not${which}`;
  });
  const first = state === "waiting" && person === null ? [`take it first: silo task take ${task}`] : [];
  const then = state === "ended" ? [] : [`then: silo task return ${task}, or silo task finish ${task} --text …`];
  return [...first, ...lines, ...then].join("\n");
}

export function showFields(fields: Fields): string {
  const names = Object.keys(fields);
  return names.map((name) => `${name} = ${fields[name] ?? "null"}`).join("\n");
}

/** A journal row has members of the kernel's choosing: those with a plain value are shown. */
function showStep(step: Record<string, unknown>): string {
  const plain = Object.entries(step).filter(([, value]) => value !== null && typeof value !== "object");
  return plain.map(([name, value]) => `${name} ${value}`).join("  ");
}

export async function taskTake(world: World, task: string): Promise<Output> {
  const taken = await asPerson(world, (ask) => ask("task_take", { task }));
  const next = `Look at it with 'silo task show ${task}', work it with 'silo task call', end it with 'silo task finish'.`;
  return { json: taken, text: `${task} is with ${world.person} now. ${next}` };
}

/** The click's cell says in `end` how the tool ended: a refusal in there is one of this command. */
export async function taskCall(world: World, task: string, tool: string, given: string[]): Promise<Output> {
  const answer = await asPerson(world, (ask) => ask("task_call", { task, tool, arguments: parseFields(given) }));
  const { end, code, ...fields } = answer.fields;
  if (end === "refused")
    throw new CommandEnd(exits.refused, `Refused (${code}): ${answer.text}`, code === undefined ? null : String(code));
  return { json: answer, text: [answer.text, showFields(fields)].filter(Boolean).join("\n") || "Done." };
}

export async function taskDecide(
  world: World,
  task: string,
  step: number,
  decision: Decision,
  assignment: string | null,
): Promise<Output> {
  const decided = await asPerson(world, (ask) => ask("task_decide", { task, assignment, step, decision }));
  const said = decision === "happened" ? "counts as done" : "counts as not done, and its limits are given back";
  return { json: decided, text: `Step ${step} ${said}. Go on with 'silo task return ${task}' or 'silo task finish'.` };
}

export async function taskReturn(world: World, task: string): Promise<Output> {
  const returned = await asPerson(world, (ask) => ask("task_return", { task }));
  return {
    json: returned,
    text: `${task} is with ${returned.line.role} again, which begins anew on what was recorded.`,
  };
}

export async function taskReplay(world: World, task: string): Promise<Output> {
  const compared = await asPerson(world, (ask) => ask("task_replay", { task }));
  return { json: compared, text: showCompared(compared) };
}

export function showCompared({ role, calls, same, difference }: Compared): string {
  const made = `${role} made ${count(calls, "call")} as recorded`;
  if (same || difference === null) return `The same: ${made}, and ended as it did.`;
  return [`Different: ${made}; ${placeOf(difference)} differs.`, ...showDifference(difference)].join("\n\n");
}

export async function taskTry(world: World, task: string, role: string | null): Promise<Output> {
  const tried = await asPerson(world, (ask) => ask("task_try", { task, role }));
  return { json: tried, text: showTried(tried) };
}

export async function taskFinish(world: World, task: string, text: string, given: string[]): Promise<Output> {
  const finished = await asPerson(world, (ask) => ask("task_finish", { task, text, fields: parseFields(given) }));
  return { json: finished, text: `${task} has ended: ${finished.line.event ?? finished.line.state}.` };
}

function asPerson<T>(world: World, work: Parameters<typeof withKernel<T>>[2]): Promise<T> {
  return withKernel(findPlaces(world.state), world.person, work);
}
