/** `silo submit`: sends a task in as an integrator does, over HTTP with a frontend's API key. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { parseFields } from "./fields.ts";
import { openFrontend, patiently, type TaskAnswer } from "./frontend.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { showFields } from "./task.ts";
import { block } from "./text.ts";

const POLL_MS = 250;

export type SubmitOptions = {
  frontend: string;
  customer?: string;
  case?: string;
  field: string[];
  text: string;
  key?: string;
  /** Seconds to wait for the answer; undefined: do not wait. */
  wait?: number;
};

export async function submit(world: World, kind: string, options: SubmitOptions): Promise<Output> {
  const frontend = openFrontend(findPlaces(world.state), options.frontend);
  const fields = parseFields(options.field);
  const { customer, case: inCase, text } = options;
  const body = { kind, text, fields, customer: customer ?? null, ...(inCase === undefined ? {} : { case: inCase }) };
  const accepted = await frontend.post(body, options.key ?? randomUUID());
  const { task } = accepted;
  if (options.wait === undefined)
    return { json: accepted, text: `${task} is accepted. Follow it with 'silo task show ${task}'.` };
  world.note(`${task} is accepted; waiting for its answer.`);
  const ended = await waitForAnswer(() => frontend.get(task), options.wait * 1000);
  return { json: ended, text: showAnswer(ended) };
}

/** Asks until the answer is there or the time is over; then the last state is what there is to say. */
async function waitForAnswer(get: () => Promise<TaskAnswer>, ms: number): Promise<TaskAnswer> {
  const until = Date.now() + ms;
  for (;;) {
    const found = await patiently(get, until);
    const answered = found.state === "ended" && found.answer !== "pending";
    if (answered || Date.now() >= until) return found;
    await pause(POLL_MS);
  }
}

export function showAnswer({ task, state, role, event, answer }: TaskAnswer): string {
  if (state !== "ended") return `${task} has no answer yet: it is ${state}${role === null ? "" : ` with ${role}`}.`;
  if (answer === undefined || answer === "pending") return `${task} has ended (${event}); its answer is on the way.`;
  return block(`${task} ${event}:`, [answer.text, showFields(answer.fields)].filter(Boolean).join("\n"));
}
