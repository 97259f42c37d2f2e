/**
 * The SMS proxy's acts. An SMSC cannot be asked about a message whose answer was lost (query_sm takes the very id that answer would have
 * held), so a durable record says *started* before the message leaves; a started message that neither an answer nor a receipt told of is
 * UNKNOWN_OUTCOME.
 */
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { Operations } from "../../kernel/abi/operations.ts";
import { ConfigError } from "../../kernel/process/config.ts";
import type { Log } from "../../kernel/process/log.ts";
import type { Call, Intent } from "../proxy/admit.ts";
import { inTurn } from "../proxy/in-turn.ts";
import { type Ruling, ruleAct, ruleDecide } from "../proxy/record.ts";
import type { Acting } from "../proxy/serve.ts";
import type { Address } from "./address.ts";
import type { Book } from "./book.ts";
import { composeMessage, type Message } from "./message.ts";
import { answeredId } from "./receipt.ts";
import type { Session } from "./session.ts";

export type Outside = {
  /** A bound session, or undefined where there is none now. */
  session(): Promise<Session | undefined>;
  sender: Address;
  ids: "same" | "decimal";
};

/** So long a receipt may take to tell of a message whose answer was lost. */
const TOLD_MS_MAX = 4000;

/** Throws `ConfigError` where the declaration names an act this proxy does not have. */
export function checkOperations(operations: Operations): void {
  for (const [capability, { proxy, action, effect }] of operations) {
    if (proxy !== "sms") continue;
    if (action["command"] === "send" && effect === "write") continue;
    if (action["command"] === "state" && effect === "read") continue;
    throw new ConfigError(`${capability}: sms has no command ${String(action["command"])} that is a ${effect}.`);
  }
}

/**
 * The proxy on its book. Requests of one key are taken in turn, so that a decision waits for the attempt in hand. Without an outside
 * everything that was sent before is still answered for, and nothing more is sent.
 */
export function smsActing(book: Book, outside: Outside | undefined, log: Log): Acting {
  const turn = inTurn();

  async function answer<T>({ key }: Intent, ruling: Ruling<T> & { rule: "answer" }): Promise<End<T>> {
    if (ruling.record !== undefined) await book.write(key, ruling.record);
    return ruling.end;
  }

  async function act(call: Call): Promise<End<Json>> {
    await book.told(call.key, TOLD_MS_MAX);
    const ruling = ruleAct(book.record(call.key), call);
    if (ruling.rule === "answer") return answer(call, ruling);
    if (outside === undefined)
      return nothingHappened(
        call,
        refused("CONFLICT", "This appliance has no SMS service; write another way, or escalate."),
      );
    const message = composeMessage(call, outside.sender);
    if (message.end !== "done") return nothingHappened(call, message);
    const session = await outside.session();
    if (session === undefined) return nothingHappened(call, later("The SMSC is not reachable."));
    return send(call, message.value, session, outside);
  }

  async function send(call: Call, message: Message, session: Session, { ids }: Outside): Promise<End<Json>> {
    const reference = await book.start(call);
    const delivery = await session.submit(message, reference);
    log.info({ end: delivery.end, parts: message.parts }, "a message was handed over");
    switch (delivery.end) {
      case "accepted":
        return done(await book.accept(call, answeredId(delivery.id, ids)));
      case "rejected":
        return nothingHappened(call, refused("CONFLICT", `The SMSC does not take this message (${delivery.status}).`));
      case "deferred":
        return nothingHappened(call, later("The SMSC cannot take the message now."));
      case "unknown":
        await book.told(call.key, TOLD_MS_MAX);
        return ended(call);
    }
  }

  /** What the book says of a message whose answer was lost. */
  function ended(call: Call): End<Json> {
    const ruling = ruleAct(book.record(call.key), call);
    return ruling.rule === "answer" ? ruling.end : refused("UNKNOWN_OUTCOME");
  }

  async function nothingHappened(call: Call, end: End<never>): Promise<End<never>> {
    await book.reopen(call);
    return end;
  }

  async function decide(intent: Intent) {
    await book.told(intent.key, TOLD_MS_MAX);
    return answer(intent, ruleDecide(book.record(intent.key), intent));
  }

  function state(call: Call): End<Json> {
    const known = book.state({ case: call.case, message: String(call.values["message"]) });
    return known === undefined ? refused("NOT_FOUND") : done({ state: known });
  }

  return {
    act: (call) => (call.operation.effect === "read" ? state(call) : turn(call.key, () => act(call))),
    decide: (intent) => turn(intent.key, () => decide(intent)),
  };
}
