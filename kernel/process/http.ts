/**
 * One HTTP request of a stranger, read exactly, and its one JSON answer. Both fronts, door and ingress, read with this.
 *
 * Threat: a request that two readers would cut differently (two lengths, a length and chunks), a header given twice so that two
 * readers see two keys, an answer to somebody who has left, or lost to somebody who still sends.
 * Contract: a header that decides something is there once or not at all; a body is read within its bounds (body.ts) and is exact JSON;
 * an exchange is answered once. Chunks together with a length, bad lengths, folded lines and headers over the bound of
 * `loadHttp` never get here: uWebSockets.js refuses them and hangs up. It also closes a connection that is silent or whose
 * headers are not there for 30 s, and one that asks again before it was answered.
 * Failure: `fault` or the body's ending says which refusal. A body that never ends, and a fault, end the connection with the answer.
 */

import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { STATUS_CODES } from "node:http";
import type { Static, TSchema } from "typebox";
import { done, type End, type Refused, refused } from "../abi/ends.ts";
import { InexactJson, type Json, parseExact } from "../abi/json.ts";
import { type BodyBounds, noBody, readBody } from "./body.ts";
import type { Check } from "./schema.ts";

export type Exchange = {
  readonly method: string;
  readonly path: string;
  /** Why this request cannot be read in one way only. */
  readonly fault: Refused | undefined;
  /** Settles when it was answered or the peer has gone. */
  readonly over: Promise<void>;
  readonly isOpen: boolean;
  /** One of `SINGLE_HEADERS`; undefined when absent. */
  header(name: SingleHeader): string | undefined;
  /** The body as exact JSON: MALFORMED, TOO_LARGE, or later when the peer has gone. */
  body(): Promise<End<Json>>;
  /** Answers, once the peer has stopped sending; false when it has gone or has its answer already. */
  answer(status: number, value: Json, headers?: Readonly<Record<string, string>>): boolean;
};

const SINGLE_HEADERS = [
  "host",
  "content-length",
  "transfer-encoding",
  "content-type",
  "authorization",
  "silo-task-key",
  "idempotency-key",
] as const;
export type SingleHeader = (typeof SINGLE_HEADERS)[number];

/** Loads uWebSockets.js with its bound on all headers of one request together, which it reads once, from the environment. */
export function loadHttp(headerBytesMax: number): Promise<typeof import("uWebSockets.js")> {
  process.env["UWS_HTTP_MAX_HEADERS_SIZE"] = String(headerBytesMax);
  return import("uWebSockets.js");
}

/** Takes a request over. Call it in the route's own turn: uWebSockets.js lets nobody look at a request later. */
export function openExchange(res: HttpResponse, req: HttpRequest, bounds: BodyBounds): Exchange {
  const { headers, twice } = singleHeaders(req);
  const fault = faultOf(headers, twice);
  const over = Promise.withResolvers<void>();
  let isOpen = true;
  let isGone = false;
  res.onAborted(() => {
    isOpen = false;
    isGone = true;
    over.resolve();
  });
  const length = Number(headers.get("content-length") ?? 0);
  const body = hasBody(headers) ? readBody(res, over.promise, length, bounds) : noBody;

  function write(status: number, value: Json, extra: Readonly<Record<string, string>>): void {
    if (isGone) return;
    const hangUp = fault !== undefined || !body.isWhole();
    over.resolve();
    res.cork(() => writeAnswer(res, status, value, extra, hangUp));
  }
  return {
    method: req.getCaseSensitiveMethod(),
    path: pathOf(req),
    fault,
    over: over.promise,
    get isOpen() {
      return isOpen;
    },
    header: (name) => headers.get(name),
    body: async () => parseBody(await body.text),
    answer(status, value, extra = {}) {
      if (!isOpen) return false;
      isOpen = false;
      if (fault !== undefined || body.isWhole()) write(status, value, extra);
      else void body.finished().then(() => write(status, value, extra));
      return true;
    },
  };
}

/** The body of a request, read exactly and of the form its path takes: MALFORMED, TOO_LARGE, later. */
export async function readAs<S extends TSchema>(exchange: Exchange, check: Check<S>): Promise<End<Static<S>>> {
  const body = await exchange.body();
  if (body.end !== "done") return body;
  const checked = check(body.value);
  return checked.ok ? done(checked.value) : refused("MALFORMED", `The body: ${checked.why}.`);
}

function singleHeaders(req: HttpRequest): { headers: Map<string, string>; twice: string | undefined } {
  const headers = new Map<string, string>();
  let twice: string | undefined;
  req.forEach((name, value) => {
    if (!isSingle(name)) return;
    if (headers.has(name)) twice = name;
    headers.set(name, value);
  });
  return { headers, twice };
}

function isSingle(name: string): name is SingleHeader {
  return (SINGLE_HEADERS as readonly string[]).includes(name);
}

function faultOf(headers: Map<string, string>, twice: string | undefined): Refused | undefined {
  if (twice !== undefined) return refused("MALFORMED", `The header ${twice} is there twice.`);
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    return refused("MALFORMED", "The only transfer coding understood here is chunked.");
  return undefined;
}

/** The path as it was sent, with its query if there is one: paths here take none. */
function pathOf(req: HttpRequest): string {
  const query: string | undefined = req.getQuery(); // whatever its type says
  return query === undefined ? req.getUrl() : `${req.getUrl()}?${query}`;
}

function hasBody(headers: Map<string, string>): boolean {
  return headers.has("content-length") || headers.has("transfer-encoding");
}

function parseBody(text: End<string>): End<Json> {
  if (text.end !== "done") return text;
  try {
    return done(parseExact(text.value));
  } catch (error) {
    if (error instanceof InexactJson) return refused("MALFORMED", error.message);
    throw error;
  }
}

function writeAnswer(
  res: HttpResponse,
  status: number,
  value: Json,
  extra: Readonly<Record<string, string>>,
  hangUp: boolean,
): void {
  res.writeStatus(`${status} ${STATUS_CODES[status] ?? ""}`);
  res.writeHeader("Content-Type", "application/json");
  res.writeHeader("Cache-Control", "no-store");
  for (const [name, text] of Object.entries(extra)) res.writeHeader(name, text);
  res.end(JSON.stringify(value), hangUp);
}
