/** A frontend's WebSocket for answers. */
import type { TestAppliance } from "./world.ts";

export type Delivery = { delivery: string; task: string; event: string; text: string };
export type Closed = { code: number; reason: string };

export type AnswerSocket = {
  /** What it was sent, in order. */
  deliveries: Delivery[];
  send(message: unknown): void;
  acknowledge(delivery: string): void;
  close(): Promise<Closed>;
  opened: Promise<void>;
  closed: Promise<Closed>;
};

/** With `key` in the header Authorization; null: without. */
export function openSocket({ port }: TestAppliance, key: string | null): AnswerSocket {
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/answers`, { headers });
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<Closed>();
  const deliveries: Delivery[] = [];
  const send = (message: unknown) => socket.send(JSON.stringify(message));
  socket.onopen = () => opened.resolve();
  socket.onmessage = ({ data }) => deliveries.push(JSON.parse(String(data)) as Delivery);
  socket.onclose = ({ code, reason }) => closed.resolve({ code, reason });
  return {
    deliveries,
    send,
    acknowledge: (delivery) => send({ ack: delivery }),
    close() {
      socket.close();
      return closed.promise;
    },
    opened: opened.promise,
    closed: closed.promise,
  };
}
