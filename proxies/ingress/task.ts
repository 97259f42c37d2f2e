/** `GET /v1/tasks/{task}`: where a frontend's own task is, and its answer when it has ended. */
import { setTimeout as sleep } from "node:timers/promises";
import { done, refused } from "../../kernel/abi/ends.ts";
import { TaskId } from "../../kernel/abi/ids.ts";
import type { Exchange } from "../../kernel/process/http.ts";
import { compile } from "../../kernel/process/schema.ts";
import type { Ingress } from "./ingress.ts";
import { type Reply, replyOf } from "./reply.ts";

/** The kernel answers within this, or the frontend asks again. */
const STATE_MS = 10_000;
/** An answer that has ended is hydrated and here within this, or it is pending. */
export const ANSWER_MS = 2000;
const OK = 200;

const checkTask = compile(TaskId);

/** The kernel is told nothing that is not a task id: a stranger's path must not make kin misbehave. */
export async function showTask(ingress: Ingress, frontend: string, exchange: Exchange, task: string): Promise<Reply> {
  if (!checkTask(task).ok) return replyOf(refused("TASK_UNKNOWN"), OK);
  const waiting = ingress.answers.waitFor(frontend, task, exchange);
  const state = await ingress.kernel.request("state", { frontend, task, answer: true }, STATE_MS);
  const isEnded = state.end === "done" && state.value.state === "ended";
  const answer = isEnded ? await Promise.race([waiting.answer, sleep(ANSWER_MS, "pending" as const)]) : undefined;
  waiting.stop();
  return replyOf(state.end === "done" ? done({ ...state.value, ...(answer && { answer }) }) : state, OK);
}
