/** `GET /v1/tasks/ID`: where a frontend's own task is, and its answer when it has ended. */
import { done, type End } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { ingressToKernel, ValueOf } from "../../kernel/abi/messages.ts";
import type { Client, Lost } from "../../kernel/process/connect.ts";
import type { Answer, Answers } from "./answers.ts";

/** The answer of an ended task is there within so long, or it is `pending` and asked for again. */
export const ANSWER_MS = 2000;
const STATE_MS = 5000;

export type TaskState = ValueOf<typeof ingressToKernel, "state"> & { answer?: Json };

/** Asks the kernel; where the task has ended, waits for the vault to bring the answer. `isOpen`: the frontend is still there. */
export async function readState(
  kernel: Client<typeof ingressToKernel>,
  answers: Answers,
  frontend: string,
  task: string,
  isOpen: () => boolean,
): Promise<End<TaskState> | Lost> {
  const arrived = Promise.withResolvers<Answer>();
  const remove = answers.add({
    frontend,
    task,
    async take(answer) {
      arrived.resolve(answer);
      return isOpen();
    },
  });
  try {
    const state = await kernel.request("state", { frontend, task, answer: true }, STATE_MS);
    if (state.end !== "done" || state.value.state !== "ended") return state;
    return done({ ...state.value, answer: await withinTime(arrived.promise) });
  } finally {
    remove();
  }
}

async function withinTime(arrival: Promise<Answer>): Promise<Json> {
  const { promise, resolve } = Promise.withResolvers<Json>();
  const timer = setTimeout(() => resolve("pending"), ANSWER_MS);
  void arrival.then(({ text, fields }) => resolve({ text, fields }));
  return promise.finally(() => clearTimeout(timer));
}
