/** A frontend's side of ingress: its two requests, and their endings. */
import { setTimeout as pause } from "node:timers/promises";
import { readSettings } from "../../kernel/abi/settings.ts";
import { CommandEnd, exits } from "./exits.ts";
import type { Scalar } from "./fields.ts";
import { readSecret } from "./kernel.ts";
import type { Places } from "./places.ts";

export type Accepted = { task: string; case: string; duplicate: boolean };
export type TaskAnswer = {
  task: string;
  state: string;
  role: string | null;
  event: string | null;
  answer?: "pending" | { text: string; fields: Record<string, Scalar> };
};

export type Frontend = {
  post(body: object, idempotencyKey: string): Promise<Accepted>;
  get(task: string): Promise<TaskAnswer>;
};

const REQUEST_MS = 30_000;
const AGAIN_MS = 100;

/** Speaks for the frontend `name` with the API key the state directory keeps. */
export function openFrontend(places: Places, name: string): Frontend {
  const { http } = readSettings(places);
  const authorization = `Bearer ${readSecret(places, "frontends", name)}`;
  const url = `http://${http.host}:${http.port}/v1/tasks`;
  return {
    post: (body, key) =>
      exchange<Accepted>(url, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(body),
      }),
    get: (task) => exchange<TaskAnswer>(`${url}/${encodeURIComponent(task)}`, { headers: { authorization } }),
  };
}

/** Asks again what was answered *later*, as every frontend is told to, until the time (ms) is over. */
export async function patiently<T>(ask: () => Promise<T>, until: number): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isLater = error instanceof CommandEnd && error.exit === exits.later;
      if (!isLater || Date.now() >= until) throw error;
    }
    await pause(AGAIN_MS);
  }
}

async function exchange<T>(url: string, request: RequestInit): Promise<T> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(REQUEST_MS) }).catch(() => {
    throw new CommandEnd(exits.later, `Nobody answers at ${new URL(url).origin}. Start SiloOS with: npm start`);
  });
  const body = (await response.json()) as { code?: string; message?: string };
  if (response.ok) return body as T;
  const words = body.message ?? response.statusText;
  if (response.status === 429 || response.status >= 500) throw new CommandEnd(exits.later, `Not now: ${words}`);
  throw new CommandEnd(exits.refused, `Refused (${body.code}): ${words}`, body.code ?? null);
}
