/** Claims about answers on their way: to their frontend alone, under one id, until they are acknowledged. */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openClient } from "./http.ts";
import { type AnswerSocket, type Delivery, openSocket } from "./sockets.ts";
import type { FrontendName, TestAppliance } from "./world.ts";

/** Longer than a frontend is waited for (ACKNOWLEDGE_MS in proxies/ingress/answers.ts). */
const AGAIN_MS = 20_000;
const POLL_MS = 100;

/** What a frontend heard that acknowledged only the second time. */
export type Heard = { task: string; deliveries: Delivery[] };

/** Settles with a task that is stored, while its frontend, which says nothing at first, hears its answer twice: that takes ten seconds. */
export async function beginSilence(appliance: TestAppliance): Promise<{ heard: Promise<Heard> }> {
  const socket = openSocket(appliance, appliance.key("clinic"));
  await socket.opened;
  const task = await submit(appliance, "clinic", "silent");
  async function hear(): Promise<Heard> {
    while (socket.deliveries.length < 2) await pause(POLL_MS);
    socket.acknowledge(socket.deliveries[1]?.delivery as string);
    return { task, deliveries: socket.deliveries };
  }
  return { heard: hear() };
}

export function describeAnswers(of: () => TestAppliance, silence: () => { heard: Promise<Heard> }): void {
  describe("a WebSocket", () => {
    test("with a wrong key is not opened", async () => {
      const { code } = await openSocket(of(), "wrong").closed;
      expect(code).toBe(1006);
    });

    test("that says a wrong key, or no key, is closed", async () => {
      for (const said of [{ api_key: "wrong" }, { ack: "dlvr_0000000000000000" }, "api_key"]) {
        const socket = openSocket(of(), null);
        await socket.opened;
        socket.send(said);
        expect(await socket.closed).toEqual({ code: 1008, reason: "API_KEY_INVALID" });
      }
    });

    test("that says what is no acknowledgement is closed", async () => {
      const socket = openSocket(of(), of().key("bank"));
      await socket.opened;
      socket.send({ ack: "everything" });
      expect(await socket.closed).toMatchObject({ code: 1008 });
    });
  });

  describe("an answer", () => {
    test("that its frontend did not acknowledge is sent again under the same id", async () => {
      const { task, deliveries } = await silence().heard;
      expect(deliveries).toMatchObject([{ task }, { task }]);
      expect(deliveries[0]).toEqual(deliveries[1]);
      await expect.poll(() => receipts(of(), task)).toBe(1);
    });

    test("goes to its own frontend, again on the next connection, and no more once it is acknowledged", async () => {
      const stranger = openSocket(of(), of().key("clinic"));
      const first = openSocket(of(), of().key("bank"));
      await Promise.all([stranger.opened, first.opened]);
      const task = await submit(of(), "bank", "answered");
      const delivery = await next(first, task);
      expect(delivery).toMatchObject({ event: "Completed", text: "Hello." });
      stranger.acknowledge(delivery.delivery);
      await first.close();
      const second = await greeted(of());
      expect(await next(second, task)).toEqual(delivery);
      second.acknowledge(delivery.delivery);
      await expect.poll(() => receipts(of(), task)).toBe(1);
      const third = await greeted(of());
      const later = await submit(of(), "bank", "later");
      expect(await nextOf([second, third], later)).toMatchObject({ task: later });
      expect([...second.deliveries, ...third.deliveries].filter((one) => one.task === task)).toHaveLength(1);
      expect(stranger.deliveries.filter((one) => one.task === task)).toEqual([]);
      for (const socket of [stranger, second, third]) await socket.close();
    });
  });
}

/** One that says who it is in its first message. */
async function greeted(appliance: TestAppliance): Promise<AnswerSocket> {
  const socket = openSocket(appliance, null);
  await socket.opened;
  socket.send({ api_key: appliance.key("bank") });
  return socket;
}

async function submit(appliance: TestAppliance, frontend: FrontendName, idempotency: string): Promise<string> {
  const { body } = await openClient(appliance, frontend).post({ kind: "hello" }, idempotency);
  return body["task"] as string;
}

const next = (socket: AnswerSocket, task: string) => nextOf([socket], task);

async function nextOf(sockets: readonly AnswerSocket[], task: string): Promise<Delivery> {
  const found = () => sockets.flatMap(({ deliveries }) => deliveries).find((one) => one.task === task);
  await expect.poll(found, { timeout: AGAIN_MS }).toBeDefined();
  return found() as Delivery;
}

/** Receipts of a task in the audit log. */
async function receipts({ ask }: TestAppliance, task: string): Promise<number> {
  const { entries } = await ask("audit_show", { task, from: 0, limit: 1000 });
  return entries.filter(({ entry }) => entry["verb"] === "receipt").length;
}
