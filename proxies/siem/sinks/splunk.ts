/**
 * Splunk's HTTP Event Collector, with indexer acknowledgement where it is asked for.
 *
 * Contract: events count as taken when the collector has said `code` 0, or with acknowledgement when the indexers have confirmed its `ackId`.
 * Failure: `NotTaken` with the collector's own words.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { SplunkDestination } from "../../../kernel/abi/export.ts";
import type { Credential } from "../credential.ts";
import { type Event, placeOf } from "../event.ts";
import { NotTaken, type Sink, shown } from "../sink.ts";
import { type Answer, openReceiver } from "./http.ts";

const ACK_MS = 250;
/** An indexer that has not confirmed by then may have lost them: they are sent again. */
const ACK_MS_MAX = 180_000;

export function splunkSink(to: SplunkDestination, credential: Credential, appliance: string): Sink {
  const receiver = openReceiver(to.url, credential);
  const base = `${to.url.replace(/\/+$/, "")}/services/collector`;
  const channel = randomUUID();
  const headers = {
    authorization: `Splunk ${credential.token ?? ""}`,
    ...(to.acknowledge ? { "x-splunk-request-channel": channel } : {}),
  };

  async function acknowledged(ack: number): Promise<void> {
    for (const end = Date.now() + ACK_MS_MAX; Date.now() < end; await sleep(ACK_MS)) {
      const answer = await receiver.post(`${base}/ack?channel=${channel}`, headers, JSON.stringify({ acks: [ack] }));
      const { acks } = readAnswer(answer) as { acks?: Record<string, boolean> };
      if (acks?.[String(ack)] === true) return;
    }
    throw new NotTaken("Splunk's indexers did not acknowledge in time.");
  }

  return {
    overlapBytes: 0,
    async send(events) {
      const body = events.map((event) => envelope(event, to, appliance)).join("");
      const answer = await receiver.post(`${base}/event`, headers, body);
      const { code, ackId } = readAnswer(answer) as { code?: number; ackId?: number };
      if (code !== 0) throw new NotTaken(`Splunk does not take events: HTTP ${answer.status}, ${shown(answer.text)}.`);
      const said = `Splunk said: HTTP ${answer.status}, ${shown(answer.text)}`;
      if (!to.acknowledge) return { said, dropped: 0 };
      if (!Number.isSafeInteger(ackId))
        throw new NotTaken(
          "Splunk gave no ackId: turn indexer acknowledgement on for this token, or set acknowledge: false.",
        );
      await acknowledged(ackId as number);
      return { said: `${said}; its indexers acknowledged`, dropped: 0 };
    },
    lost: () => null,
    close: () => receiver.close(),
  };
}

function readAnswer(answer: Answer): object {
  try {
    if (answer.status === 200) return Object(JSON.parse(answer.text));
  } catch {
    // told below
  }
  throw new NotTaken(`Splunk does not take events: HTTP ${answer.status}, ${shown(answer.text)}.`);
}

/** A body that is JSON stays so: Splunk finds its fields. */
function envelope({ line, time, record }: Event, { index }: SplunkDestination, appliance: string): string {
  const told = {
    time: time / 1000,
    host: appliance,
    source: "silo",
    sourcetype: "silo:audit",
    ...(index === undefined ? {} : { index }),
  };
  const fields = Object.fromEntries(placeOf(record));
  const event = line.startsWith("{") ? line : JSON.stringify(line);
  return `${JSON.stringify({ ...told, fields }).slice(0, -1)},"event":${event}}`;
}
