/** A frontend that never gives up: submits until it is accepted, keeps a WebSocket open for answers, and acknowledges each. */
import { setTimeout as pause } from "node:timers/promises";
import { openFrontend as openHttp, patiently } from "../../console/cli/frontend.ts";
import { readSecret } from "../../console/cli/kernel.ts";
import type { Places } from "../../console/cli/places.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import type { Desk } from "./desk.ts";
import { type Job, submissionOf } from "./jobs.ts";

type Delivery = { delivery: string; task: string; event: string; fields: Record<string, unknown> };

/** `end`: the event of the answer, why a person has the task, or STUCK. `notes`: what the agent found its case to hold. */
export type Ended = { task: string; end: string; notes: number | null };

export type CrashFrontend = {
  submit(job: Job): Promise<string>;
  /** Settles when the task has ended and its answer is here, or a person has it. */
  endOf(task: string): Promise<Ended>;
  /** Ids under which the task's answer was delivered until now. */
  deliveriesOf(task: string): number;
  close(): void;
};

const NAME = "shop";
const HUMAN_ROLE = "refund-manager";
/** A task has ended, or is with a human, within so long. */
const END_MS_MAX = 120_000;
const POLL_MS = 200;
const RECONNECT_MS = 50;
const WAITING_MAX = 1000;

export function openFrontend(places: Places, desk: Desk): CrashFrontend {
  const http = openHttp(places, NAME);
  const answers = new Map<string, Delivery>();
  const ids = new Map<string, Set<string>>();
  const waiting = new Map<string, string>();
  const asked = new Map<string, () => void>();
  let closed = false;
  let socket = listen();
  void lookForWaiting();

  function listen(): WebSocket {
    const { host, port } = readSettings(places).http;
    const headers = { authorization: `Bearer ${readSecret(places, "frontends", NAME)}` };
    const opened = new WebSocket(`ws://${host}:${port}/v1/answers`, { headers });
    opened.onmessage = ({ data }) => {
      const delivery = JSON.parse(String(data)) as Delivery;
      answers.set(delivery.task, delivery);
      ids.set(delivery.task, (ids.get(delivery.task) ?? new Set()).add(delivery.delivery));
      opened.send(JSON.stringify({ ack: delivery.delivery }));
      asked.get(delivery.task)?.();
    };
    opened.onerror = () => undefined;
    opened.onclose = () => {
      if (!closed) setTimeout(() => (socket = listen()), RECONNECT_MS);
    };
    return opened;
  }

  async function lookForWaiting(): Promise<void> {
    for (; !closed; await pause(POLL_MS)) {
      if (asked.size === 0) continue;
      const query = { state: "waiting", role: HUMAN_ROLE, dead: false, limit: WAITING_MAX } as const;
      const { tasks } = await desk.ask("task_list", query).catch(() => ({ tasks: [] }));
      for (const { task, reason } of tasks) {
        waiting.set(task, reason ?? "waiting");
        asked.get(task)?.();
      }
    }
  }

  function ended(task: string): Ended {
    const answer = answers.get(task);
    const notes = answer?.fields["notes"];
    const end = answer?.event ?? waiting.get(task) ?? "STUCK";
    return { task, end, notes: typeof notes === "number" ? notes : null };
  }

  return {
    submit: (job) => patiently(async () => (await http.post(submissionOf(job), job.key)).task, Date.now() + END_MS_MAX),
    async endOf(task) {
      if (!answers.has(task) && !waiting.has(task)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const late = setTimeout(resolve, END_MS_MAX);
        asked.set(task, resolve);
        await promise;
        clearTimeout(late);
        asked.delete(task);
      }
      return ended(task);
    },
    deliveriesOf: (task) => ids.get(task)?.size ?? 0,
    close() {
      closed = true;
      socket.close();
    },
  };
}
