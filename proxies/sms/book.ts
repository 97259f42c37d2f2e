/**
 * What the SMS proxy remembers: the record of every call, the message it became, and what receipts said of it.
 *
 * Threat: a receipt is taken for another message's; an agent asks about a message of another case.
 * Contract: a message is *started* before it leaves. A receipt that carries the reference of a started message, and the id of no other,
 * proves that this one happened. References of messages nobody has heard of stay taken.
 * Failure: no record changes; UNKNOWN_OUTCOME stays.
 */
import type { Json } from "../../kernel/abi/json.ts";
import type { Call } from "../proxy/admit.ts";
import type { Durable } from "../proxy/durable.ts";
import { type EffectRecord, recordDone, recordOpen, recordStarted } from "../proxy/record.ts";
import { messageId } from "./message.ts";
import { isFinal, type Receipt, type State } from "./receipt.ts";

/** user_message_reference has 16 bits; 0 is kept out, as what many send who have none. */
export const REFERENCE_MAX = 0xffff;
/** Free ones are drawn; so many tries find one while no more than half are taken. */
const REFERENCE_TRIES = 16;

/** `smsc`: the id the SMSC knows it by. null: it has not said. */
type Sent = { case: string; smsc: string | null; reference: number | null };

export type Book = {
  record(key: string): EffectRecord | undefined;
  write(key: string, record: EffectRecord): Promise<void>;
  /** Before the message leaves. Settles with the reference it is to carry, where receipts carry one. */
  start(call: Call): Promise<number | undefined>;
  /** The SMSC has it; the result is the call's. */
  accept(call: Call, smsc: string | undefined): Promise<Json>;
  /** It certainly did not leave. */
  reopen(call: Call): Promise<void>;
  receive(receipt: Receipt): Promise<void>;
  /** Settles when a receipt has told of the started message of this call, or after `millis`. */
  told(key: string, millis: number): Promise<void>;
  /** What is known of a message of this case; undefined where the case has none of that id. */
  state(of: { case: string; message: string }): State | undefined;
};

/** `draw` yields whole numbers from 1 to REFERENCE_MAX where receipts carry references; null where they do not. */
export function openBook(durable: Durable, draw: (() => number) | null): Book {
  const effects = durable.table<EffectRecord>("effects");
  const messages = durable.table<Sent>("messages");
  const owners = durable.table<string>("owners");
  const states = durable.table<State>("states");
  const references = durable.table<string>("references");
  const waiting = new Map<string, () => void>();

  function freeReference(): number | null {
    for (let tries = 0; draw !== null && tries < REFERENCE_TRIES; tries++) {
      const reference = draw();
      if (references.get(reference) === undefined) return reference;
    }
    return null;
  }

  function forget(message: string): void {
    const reference = messages.get(message)?.reference ?? null;
    if (reference !== null) references.removeSync(reference);
  }

  /** Inside a transaction. An id the SMSC gives out anew is another message's from now on. */
  function settle(key: string, of: string, attempt: EffectRecord | Call, smsc: string | undefined): Json {
    const message = messageId(key);
    forget(message);
    effects.putSync(key, recordDone(attempt, { message }));
    messages.putSync(message, { case: of, smsc: smsc ?? null, reference: null });
    if (smsc !== undefined && owners.get(smsc) !== undefined && owners.get(smsc) !== message) states.removeSync(smsc);
    if (smsc !== undefined) owners.putSync(smsc, message);
    return { message };
  }

  /** Inside a transaction. The call whose message this receipt proves, if any. */
  function prove({ id, reference }: Receipt): string | undefined {
    const key = reference === undefined ? undefined : references.get(reference);
    if (key === undefined || owners.get(id) !== undefined) return undefined;
    const record = effects.get(key);
    const sent = messages.get(messageId(key));
    if (record?.state !== "started" || sent === undefined) return undefined;
    settle(key, sent.case, record, id);
    return key;
  }

  return {
    record: (key) => effects.get(key),
    write: (key, record) => durable.commit(() => void effects.putSync(key, record)),
    start: (call) =>
      durable.commit(() => {
        const reference = freeReference();
        effects.putSync(call.key, recordStarted(call));
        messages.putSync(messageId(call.key), { case: call.case, smsc: null, reference });
        if (reference !== null) references.putSync(reference, call.key);
        return reference ?? undefined;
      }),
    accept: (call, smsc) => durable.commit(() => settle(call.key, call.case, call, smsc)),
    reopen: (call) =>
      durable.commit(() => {
        forget(messageId(call.key));
        effects.putSync(call.key, recordOpen(call));
        messages.removeSync(messageId(call.key));
      }),
    async receive(receipt) {
      const proven = await durable.commit(() => {
        const before = states.get(receipt.id);
        if (before === undefined || !isFinal(before)) states.putSync(receipt.id, receipt.state);
        return prove(receipt);
      });
      if (proven !== undefined) waiting.get(proven)?.();
    },
    async told(key, millis) {
      if (effects.get(key)?.state !== "started" || draw === null) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, millis);
      waiting.set(key, resolve);
      await promise;
      clearTimeout(timer);
      waiting.delete(key);
    },
    state({ case: of, message }) {
      const sent = messages.get(message);
      if (sent?.case !== of) return undefined;
      if (sent.smsc !== null) return states.get(sent.smsc) ?? "accepted";
      return "unknown";
    },
  };
}
