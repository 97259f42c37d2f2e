/**
 * One bound connection to the SMSC (SMPP 3.4, transceiver), and what its answers mean.
 *
 * Threat: the SMSC, or somebody on the way to it, sends what we do not expect, floods us with receipts, or falls silent.
 * Contract: the SMSC has a message from the moment it has answered submit_sm with status 0. With another status it certainly has not; a
 * request that was sent and got no answer only the SMSC knows about. A receipt is acknowledged after it was taken.
 * Failure: the connection ends, and every request in flight is *unknown*.
 */
import smpp, { type Pdu } from "smpp";
import type { SmppCredential } from "./credential.ts";
import type { Message } from "./message.ts";

/** `id`: as the SMSC answered it. deferred: not now, and nothing happened. rejected: never. unknown: nobody can tell. */
export type Delivery = { end: "accepted"; id: unknown } | { end: "rejected" | "deferred" | "unknown"; status: number };

export type Session = {
  /** `reference`: user_message_reference, where receipts are to carry one. */
  submit(message: Message, reference: number | undefined): Promise<Delivery>;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  close(): void;
};

/** Takes one deliver_sm and settles with the command_status of its answer. Must not throw. */
export type Take = (pdu: Pdu) => Promise<number>;

const VERSION = 0x34;
const BIND_MS_MAX = 5000;
/** Above it the SMSC is silent; below it a slow one may still answer while the vault asks again. */
const ANSWER_MS_MAX = 15_000;
const ENQUIRE_MS = 30_000;
/** deliver_sm in hand before the connection is read no further. */
export const TAKING_MAX = 100;
/** registered_delivery: a receipt when the message has come to its end, whatever that is (5.2.17). */
const RECEIPT_AT_THE_END = 1;
/** Nothing was sent: the connection was gone before. */
const NOT_SENT = -1;
/** Nothing was answered. */
const NO_ANSWER = -2;

/** ESME_RSYSERR, ESME_RMSGQFUL, ESME_RTHROTTLED, ESME_RX_T_APPN: the SMSC may take the same message later (5.1.3). */
const NOT_NOW: readonly number[] = [0x08, 0x14, 0x58, 0x64];

/** Connects, secures and binds. Rejects where the SMSC cannot be reached or does not let us in: nothing has been sent then. */
export async function openSession(credential: SmppCredential, take: Take): Promise<Session> {
  // Receipts are ASCII. Read in the GSM alphabet, the package's default, an underscore in an id would become another character.
  smpp.encodings.default = "LATIN1";
  const { host, port, tls } = credential;
  const raw = smpp.connect({ host, port, tls: tls === "implicit" });
  const gone = goneOf(raw);
  const ask = asking(raw, gone);
  try {
    await within(BIND_MS_MAX, ready(raw, tls === "implicit" ? "secureConnect" : "connect", gone));
    answerRequests(raw, take);
    await bind(ask, credential);
  } catch (error) {
    raw.destroy();
    throw error;
  }
  const beat = setInterval(() => void enquire(raw, ask), ENQUIRE_MS);
  void gone.then(() => clearInterval(beat));
  return {
    submit: async (message, reference) => meaningOf(await ask("submit_sm", submission(message, reference))),
    closed: gone.then(() => undefined),
    close() {
      raw.unbind({}, () => raw.destroy());
      setTimeout(() => raw.destroy(), BIND_MS_MAX).unref();
    },
  };
}

type Raw = ReturnType<typeof smpp.connect>;
type Fields = Record<string, string | number | Buffer>;
type Ask = (command: "bind_transceiver" | "submit_sm" | "enquire_link", fields: Fields) => Promise<Pdu | number>;

/** Sends a request; settles with its answer, NOT_SENT or NO_ANSWER. */
function asking(raw: Raw, gone: Promise<string>): Ask {
  return (command, fields) => {
    const answer = Promise.withResolvers<Pdu | number>();
    const timer = setTimeout(() => answer.resolve(NO_ANSWER), ANSWER_MS_MAX);
    void gone.then(() => answer.resolve(NO_ANSWER));
    if (!raw[command](fields, answer.resolve)) answer.resolve(NOT_SENT);
    return answer.promise.finally(() => clearTimeout(timer));
  };
}

/** Settles with a word for why, once nothing more will come or can be sent. What cannot be parsed ends the connection. */
function goneOf(raw: Raw): Promise<string> {
  const gone = Promise.withResolvers<string>();
  raw.on("error", ({ code }: NodeJS.ErrnoException) => {
    gone.resolve(code ?? "EPROTO");
    raw.destroy();
  });
  raw.once("close", () => gone.resolve("closed"));
  return gone.promise;
}

function ready(raw: Raw, event: string, gone: Promise<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    raw.once(event, () => resolve());
    void gone.then((why) => reject(new Error(`The SMSC cannot be reached (${why}).`)));
  });
}

async function bind(ask: Ask, { system_id, password, system_type = "" }: SmppCredential): Promise<void> {
  const answer = await within(
    BIND_MS_MAX,
    ask("bind_transceiver", { system_id, password, system_type, interface_version: VERSION }),
  );
  if (typeof answer === "number") throw new Error("The SMSC did not answer the bind.");
  if (answer.command_status !== 0 || answer.command !== "bind_transceiver_resp")
    throw new Error(`The SMSC refused the bind with status ${answer.command_status}.`);
}

async function within<T>(millis: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("The SMSC is silent.")), millis);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function enquire(raw: Raw, ask: Ask): Promise<void> {
  if (typeof (await ask("enquire_link", {})) === "number") raw.destroy();
}

/** What an SMSC may ask of us. Anything else ends the connection. */
function answerRequests(raw: Raw, take: Take): void {
  let taking = 0;
  raw.on("deliver_sm", async (pdu: Pdu) => {
    if (++taking === TAKING_MAX) raw.pause();
    const command_status = await take(pdu);
    raw.send(pdu.response({ command_status }));
    if (taking-- === TAKING_MAX) raw.resume();
  });
  raw.on("enquire_link", (pdu: Pdu) => void raw.send(pdu.response()));
  raw.on("unbind", (pdu: Pdu) => {
    raw.send(pdu.response());
    raw.destroy();
  });
  raw.on("pdu", ({ command }: Pdu) => {
    if (!EXPECTED.has(command)) raw.destroy();
  });
}

const EXPECTED: ReadonlySet<string> = new Set([
  "deliver_sm",
  "enquire_link",
  "unbind",
  "bind_transceiver_resp",
  "submit_sm_resp",
  "enquire_link_resp",
  "unbind_resp",
  "generic_nack",
]);

/** What one SMS does not hold goes as message_payload, and the SMSC divides it. */
function submission({ from, to, coding, bytes, parts }: Message, reference: number | undefined): Fields {
  const fits = parts === 1;
  return {
    source_addr_ton: from.ton,
    source_addr_npi: from.npi,
    source_addr: from.address,
    dest_addr_ton: to.ton,
    dest_addr_npi: to.npi,
    destination_addr: to.address,
    registered_delivery: RECEIPT_AT_THE_END,
    data_coding: coding,
    short_message: fits ? bytes : Buffer.alloc(0),
    ...(fits ? {} : { message_payload: bytes }),
    ...(reference === undefined ? {} : { user_message_reference: reference }),
  };
}

/** What the end of a submit_sm means. */
export function meaningOf(answer: Pick<Pdu, "command" | "command_status" | "message_id"> | number): Delivery {
  if (answer === NOT_SENT) return { end: "deferred", status: NOT_SENT };
  if (typeof answer === "number") return { end: "unknown", status: answer };
  const { command, command_status: status, message_id: id } = answer;
  if (command === "generic_nack" && status !== 0) return { end: "rejected", status };
  if (command !== "submit_sm_resp") return { end: "unknown", status };
  if (status === 0) return { end: "accepted", id };
  return { end: NOT_NOW.includes(status) ? "deferred" : "rejected", status };
}
