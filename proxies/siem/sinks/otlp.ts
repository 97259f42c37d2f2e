/**
 * OTLP/HTTP logs in JSON (opentelemetry-proto 1, ExportLogsServiceRequest).
 *
 * Contract: events count as taken when the collector has answered 200 and rejected none of them.
 * Failure: `NotTaken`. A collector that takes a part is asked again for the whole: the protocol would have us drop the rest.
 */
import type { OtlpDestination } from "../../../kernel/abi/export.ts";
import type { Credential } from "../credential.ts";
import { type Event, placeOf } from "../event.ts";
import { NotTaken, type Sink, shown } from "../sink.ts";
import { openReceiver } from "./http.ts";

const SEVERITY = { INFO: 9, WARN: 13 } as const;
const NANOSECONDS = "000000";

export function otlpSink(to: OtlpDestination, credential: Credential, appliance: string): Sink {
  const receiver = openReceiver(to.url, credential);
  return {
    overlapBytes: 0,
    async send(events) {
      const { status, text } = await receiver.post(to.url, credential.headers ?? {}, request(events, appliance));
      if (status !== 200) throw new NotTaken(`The collector does not take events: HTTP ${status}, ${shown(text)}.`);
      const rejected = rejectedOf(text);
      if (rejected > 0)
        throw new NotTaken(`The collector rejected ${rejected} of ${events.length} events: ${shown(text)}.`);
      return { said: `the collector said: HTTP ${status}, ${shown(text) || "nothing more"}`, dropped: 0 };
    },
    lost: () => null,
    close: () => receiver.close(),
  };
}

/** 64-bit numbers are strings in protobuf's JSON, and zero is left out. */
function rejectedOf(text: string): number {
  try {
    const { partialSuccess } = Object(JSON.parse(text)) as {
      partialSuccess?: { rejectedLogRecords?: string | number };
    };
    return Number(partialSuccess?.rejectedLogRecords ?? 0);
  } catch {
    return 0; // some answer with an empty body
  }
}

function request(events: readonly Event[], appliance: string): string {
  const resource = { attributes: [text("service.name", "silo"), text("service.instance.id", appliance)] };
  const scopeLogs = [{ scope: { name: "silo.audit" }, logRecords: events.map(logRecord) }];
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] });
}

function logRecord({ line, time, name, refused, record }: Event) {
  const severityText = refused ? "WARN" : "INFO";
  const attributes = placeOf(record).map(([key, value]) =>
    typeof value === "number"
      ? { key: `silo.log.${key}`, value: { intValue: String(value) } }
      : text(`silo.log.${key}`, value),
  );
  return {
    timeUnixNano: `${time}${NANOSECONDS}`,
    severityNumber: SEVERITY[severityText],
    severityText,
    body: { stringValue: line },
    attributes: [text("event.name", `silo.${name}`), ...attributes],
  };
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}
