/**
 * `collector-inside.ts hec|otlp PORT FILE TOKEN`: a collector that holds to the published protocol and refuses whatever does not: Splunk's HTTP
 * Event Collector with indexer acknowledgement ("Format events for HTTP Event Collector"), or OTLP/HTTP logs in JSON (opentelemetry-proto 1). Each
 * event becomes a line of FILE, flushed before it is acknowledged.
 */
import { fdatasync, openSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { promisify } from "node:util";

const [protocol = "", port = "", path = "", token = ""] = process.argv.slice(2);
const file = openSync(path, "a");
const flush = promisify(fdatasync);
/** Indexers are slower than their collector. */
const INDEX_MS = 50;

type Answer = [status: number, body: object];
const acks = new Map<string, Map<number, boolean>>();

async function hec(request: IncomingMessage, body: string): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://collector");
  if (request.headers.authorization !== `Splunk ${token}`) return [403, { text: "Invalid token", code: 4 }];
  const channel = request.headers["x-splunk-request-channel"] ?? searchParams.get("channel");
  if (typeof channel !== "string" || !/^[0-9a-f-]{36}$/.test(channel))
    return [400, { text: "Data channel is missing", code: 10 }];
  const own = acks.get(channel) ?? new Map<number, boolean>();
  acks.set(channel, own);
  if (pathname === "/services/collector/ack") {
    const asked = (JSON.parse(body) as { acks: number[] }).acks;
    return [200, { acks: Object.fromEntries(asked.map((ack) => [ack, own.get(ack) === true])) }];
  }
  if (pathname !== "/services/collector/event") return [404, { text: "Not found", code: 404 }];
  const events = objectsOf(body);
  if (events.length === 0) return [400, { text: "No data", code: 5 }];
  for (const event of events) {
    const { time, host, source, sourcetype, index, fields, event: told, ...spare } = event;
    const isFlat = Object.values(Object(fields)).every(
      (value) => typeof value === "string" || typeof value === "number",
    );
    const named = [host, source, sourcetype, index].every((name) => name === undefined || typeof name === "string");
    if (typeof time !== "number" || told === undefined || !isFlat || !named || Object.keys(spare).length > 0)
      return [400, { text: "Invalid data format", code: 6 }];
  }
  writeSync(file, events.map(({ event }) => `${JSON.stringify(event)}\n`).join(""));
  const ack = own.size;
  own.set(ack, false);
  setTimeout(() => void flush(file).then(() => own.set(ack, true)), INDEX_MS);
  return [200, { text: "Success", code: 0, ackId: ack }];
}

/** Objects one behind the other, without anything between them. */
function objectsOf(text: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  let [depth, begin, inText] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inText) {
      if (char === "\\") at++;
      else if (char === '"') inText = false;
    } else if (char === '"') inText = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) {
      found.push(JSON.parse(text.slice(begin, at + 1)));
      begin = at + 1;
    }
  }
  if (begin !== text.length) throw new Error("There is something behind the last event.");
  return found;
}

type Attribute = { key: string; value: { stringValue?: string; intValue?: string } };

async function otlp(request: IncomingMessage, body: string): Promise<Answer> {
  if (request.url !== "/v1/logs" || request.headers["content-type"] !== "application/json") return [404, { code: 5 }];
  const { resourceLogs, ...spare } = JSON.parse(body);
  exactly(spare);
  for (const { resource, scopeLogs, ...other } of resourceLogs) {
    exactly(other);
    attributes(resource.attributes);
    for (const { scope, logRecords, ...more } of scopeLogs) {
      exactly(more);
      if (typeof scope.name !== "string") throw new Error("scope");
      writeSync(file, logRecords.map((record: object) => `${lineOf(record as Record<string, unknown>)}\n`).join(""));
    }
  }
  await flush(file);
  return [200, { partialSuccess: {} }];
}

function lineOf({
  timeUnixNano,
  severityNumber,
  severityText,
  body,
  attributes: given,
  ...spare
}: Record<string, unknown>): string {
  exactly(spare);
  attributes(given);
  const isRight =
    /^\d{19}$/.test(String(timeUnixNano)) && Number.isInteger(severityNumber) && typeof severityText === "string";
  const line = (body as { stringValue?: unknown }).stringValue;
  if (!isRight || typeof line !== "string") throw new Error("log record");
  return line;
}

function attributes(given: unknown): void {
  for (const { key, value, ...spare } of given as Attribute[]) {
    exactly(spare);
    const { stringValue, intValue, ...other } = value;
    exactly(other);
    const isRight = typeof stringValue === "string" || (typeof intValue === "string" && /^\d+$/.test(intValue));
    if (typeof key !== "string" || !isRight) throw new Error("attribute");
  }
}

function exactly(spare: object): void {
  if (Object.keys(spare).length > 0) throw new Error(`unknown fields: ${Object.keys(spare)}`);
}

const answer = { hec, otlp }[protocol] as typeof hec;

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const [status, body] = await answer(request, Buffer.concat(chunks).toString()).catch(
    (error: Error): Answer => [400, { text: error.message, code: 6 }],
  );
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}).listen(Number(port), "127.0.0.1");
