/** `complete` and `escalate`: how a cell says that it is finished. */
import { done, type End } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { doorToKernel, RequestOf } from "../../kernel/abi/messages.ts";
import type { Lost } from "../../kernel/process/connect.ts";
import { type Exchange, readAs } from "../../kernel/process/http.ts";
import { checkComplete, checkEscalate } from "./bodies.ts";
import { answerOf, type Decision } from "./decision.ts";
import type { Door } from "./door.ts";
import { readKeys } from "./keys.ts";
import type { Occupant } from "./slot.ts";

type Ending = RequestOf<typeof doorToKernel, "end">["ending"];

/** The kernel answers within this, or the cell says it again. */
const END_MS = 10_000;

export async function complete(door: Door, occupant: Occupant, exchange: Exchange): Promise<Decision> {
  const body = await readAs(exchange, checkComplete);
  return end(door, occupant, exchange, body.end === "done" ? done({ how: "complete", ...body.value }) : body);
}

export async function escalate(door: Door, occupant: Occupant, exchange: Exchange): Promise<Decision> {
  const body = await readAs(exchange, checkEscalate);
  return end(door, occupant, exchange, body.end === "done" ? done({ how: "escalate", ...body.value }) : body);
}

async function end(door: Door, occupant: Occupant, exchange: Exchange, ending: End<Ending>): Promise<Decision> {
  if (ending.end !== "done") return { end: ending };
  const keys = await readKeys(door, occupant, exchange);
  if (keys.end !== "done") return { end: keys };
  const { cell, assignment, epoch } = keys.value.task;
  const request = { cell, assignment, epoch, ending: ending.value };
  return { end: done(async () => answerOf(await settle(door, request))) };
}

async function settle(door: Door, request: RequestOf<typeof doorToKernel, "end">): Promise<End<Json> | Lost> {
  const settled = await door.kernel.request("end", request, END_MS);
  return settled.end === "done" ? done({}) : settled;
}
