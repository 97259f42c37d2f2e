/**
 * Every request of a cell, from its path to its answer.
 *
 * Threat: a cell asks for what is not there, floods the door with requests, or the log with refusals.
 * Contract: a refusal decided here reaches the cell only after the kernel has written it down; nothing a cell wrote gets into the log.
 * Failure: when the kernel cannot write it down, the cell hears *later*. A cell refused `FINDINGS_MAX` times is hung up on.
 */
import { later, type Refused, refused } from "../../kernel/abi/ends.ts";
import type { Exchange } from "../../kernel/process/http.ts";
import { call } from "./call.ts";
import { probe, wait } from "./cell-life.ts";
import { type Answer, answerOf, type Decide, type Decision } from "./decision.ts";
import type { Door } from "./door.ts";
import { complete, escalate } from "./ending.ts";
import { IN_FLIGHT_MAX, type Occupant } from "./slot.ts";

/** Refusals of one cell that the log takes. */
export const FINDINGS_MAX = 1000;
/** The kernel has written a finding down within this, or the cell asks again. */
const FINDING_MS = 10_000;

const routes: ReadonlyMap<string, Decide> = new Map([
  ["GET /v1/probe", probe],
  ["POST /v1/wait", wait],
  ["POST /v1/call", call],
  ["POST /v1/complete", complete],
  ["POST /v1/escalate", escalate],
]);

/** Answers one request. `hangUp` ends every connection of the occupant. */
export async function serve(door: Door, occupant: Occupant, exchange: Exchange, hangUp: () => void): Promise<void> {
  if (door.isStopping) return send(exchange, answerOf(later("The door is stopping.")));
  if (occupant.inFlight >= IN_FLIGHT_MAX) return send(exchange, answerOf(later("Too many requests at once.")));
  occupant.inFlight++;
  const handled = handle(door, occupant, exchange);
  door.inHand.add(handled);
  await handled;
  door.inHand.delete(handled);
  await exchange.over;
  occupant.inFlight--;
  if (occupant.findings >= FINDINGS_MAX) hangUp();
}

async function handle(door: Door, occupant: Occupant, exchange: Exchange): Promise<void> {
  const answer = await follow(door, occupant, await decide(door, occupant, exchange));
  if (answer !== undefined) send(exchange, answer);
}

async function decide(door: Door, occupant: Occupant, exchange: Exchange): Promise<Decision> {
  if (exchange.fault !== undefined) return { end: exchange.fault };
  const route = routes.get(`${exchange.method} ${exchange.path}`);
  return route === undefined ? { end: refused("UNKNOWN_PATH") } : route(door, occupant, exchange);
}

async function follow(door: Door, occupant: Occupant, decision: Decision): Promise<Answer | undefined> {
  if (decision.end.end === "done") return decision.end.value();
  return decision.end.end === "refused" ? report(door, occupant, decision.end, decision) : answerOf(decision.end);
}

async function report(door: Door, occupant: Occupant, refusal: Refused, about: Decision): Promise<Answer> {
  occupant.findings++;
  const { capability = null, step = null } = about;
  const finding = { cell: occupant.cell, code: refusal.code, capability, step, detail: "refused at the door" };
  const written = await door.kernel.request("finding", { finding }, FINDING_MS);
  return answerOf(written.end === "done" ? refusal : later("The refusal could not be written down; ask again."));
}

function send(exchange: Exchange, { status, body }: Answer): void {
  exchange.answer(status, body);
}
