/**
 * The email proxy's one act. Mail cannot be asked about or taken back, so a durable record says *started* before the message leaves;
 * a started message whose end nobody saw is UNKNOWN_OUTCOME.
 */
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { Log } from "../../kernel/process/log.ts";
import type { Call, Intent } from "../proxy/admit.ts";
import type { Durable } from "../proxy/durable.ts";
import { inTurn } from "../proxy/in-turn.ts";
import {
  type EffectRecord,
  type Ruling,
  recordDone,
  recordOpen,
  recordStarted,
  ruleAct,
  ruleDecide,
} from "../proxy/record.ts";
import type { Acting } from "../proxy/serve.ts";
import { composeMessage, type Message } from "./message.ts";
import type { Session } from "./smtp.ts";

export type Outside = {
  /** Throws where the server cannot be reached. */
  openSession(): Promise<Session>;
  sender: { from: string; domain: string };
  now: () => number;
};

/** The proxy on its records. Requests of one key are taken in turn, so that a decision waits for the attempt in hand. */
export function emailActing(durable: Durable, outside: Outside, log: Log): Acting {
  const records = durable.table<EffectRecord>("effects");
  const turn = inTurn();
  const write = (key: string, record: EffectRecord) => durable.commit(() => void records.putSync(key, record));

  async function answer<T>({ key }: Intent, ruling: Ruling<T> & { rule: "answer" }): Promise<End<T>> {
    if (ruling.record !== undefined) await write(key, ruling.record);
    return ruling.end;
  }

  async function act(call: Call): Promise<End<Json>> {
    const ruling = ruleAct(records.get(call.key), call);
    if (ruling.rule === "answer") return answer(call, ruling);
    const message = await composeMessage(call, outside.sender, outside.now());
    if (message.end !== "done") return nothingHappened(call, message);
    const session = await outside.openSession().catch(() => undefined);
    if (session === undefined) return nothingHappened(call, later("The mail server is not reachable."));
    try {
      return await send(call, message.value, session);
    } finally {
      session.close();
    }
  }

  async function send(call: Call, message: Message, session: Session): Promise<End<Json>> {
    await write(call.key, recordStarted(call));
    const delivery = await session.deliver(message);
    log.info({ delivery }, "a message was handed over");
    switch (delivery) {
      case "accepted":
        await write(call.key, recordDone(call, { message: message.id }));
        return done({ message: message.id });
      case "rejected":
        return nothingHappened(call, refused("CONFLICT", "The mail server does not take this message."));
      case "deferred":
        return nothingHappened(call, later("The mail server cannot take the message now."));
      case "unknown":
        return refused("UNKNOWN_OUTCOME");
    }
  }

  async function nothingHappened(call: Call, end: End<never>): Promise<End<never>> {
    await write(call.key, recordOpen(call));
    return end;
  }

  return {
    act: (call) => turn(call.key, () => act(call)),
    decide: (intent) => turn(intent.key, () => answer(intent, ruleDecide(records.get(intent.key), intent))),
  };
}
