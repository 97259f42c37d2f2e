/**
 * One conversation with the mail server (RFC 5321), and what its end means.
 *
 * The server has the message from the moment it has said yes to its end. Before the message is begun it certainly has not; in between
 * only the server knows.
 */
import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpCredential } from "./credential.ts";
import type { Message } from "./message.ts";

/** accepted: it will be delivered or bounced. rejected: never. deferred: not now. unknown: nobody can tell. */
export type Delivery = "accepted" | "rejected" | "deferred" | "unknown";

/** A server that is ready to take one message. */
export type Session = { deliver(message: Message): Promise<Delivery>; close(): void };

const CONNECT_MS_MAX = 5000;
const SILENCE_MS_MAX = 15_000;

/** What nodemailer's errors carry: the kind, and the server's reply where there was one. */
type SmtpFailure = { code?: string; responseCode?: number | false };

/** Connects, secures and signs in. Throws where the server cannot be reached or does not let us in: nothing has been sent then. */
export async function openSession(credential: SmtpCredential): Promise<Session> {
  const connection = new SMTPConnection({
    host: credential.host,
    port: credential.port,
    secure: credential.tls === "implicit",
    requireTLS: credential.tls === "starttls",
    ignoreTLS: credential.tls === "none",
    name: credential.domain,
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    dnsTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    allowInternalNetworkInterfaces: true,
  });
  try {
    await connected(connection);
    await signedIn(connection, credential);
  } catch (error) {
    connection.close();
    throw error;
  }
  return { deliver: (message) => deliver(connection, message), close: () => connection.quit() };
}

function connected(connection: SMTPConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays: after the connection, every error also ends what is in hand.
    connection.on("error", reject);
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
}

function signedIn(connection: SMTPConnection, { user, password }: SmtpCredential): Promise<void> {
  if (user === undefined || password === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    connection.login({ user, pass: password }, (error) => (error ? reject(error) : resolve()));
  });
}

function deliver(connection: SMTPConnection, message: Message): Promise<Delivery> {
  let begun = false;
  function* content() {
    begun = true;
    yield message.bytes;
  }
  const envelope = { from: message.from, to: message.to, size: message.bytes.length };
  return new Promise((resolve) => {
    connection.send(envelope, Readable.from(content(), { objectMode: false }), (error) =>
      resolve(error === null ? "accepted" : meaningOf(error as SmtpFailure, begun)),
    );
  });
}

/** What a failed delivery means. `begun`: the server had said yes to DATA, and the message was on its way. */
export function meaningOf({ code, responseCode }: SmtpFailure, begun: boolean): Delivery {
  const reply = responseCode || undefined;
  if (begun && (code !== "EMESSAGE" || reply === undefined)) return "unknown";
  if (reply !== undefined) return reply >= 500 ? "rejected" : "deferred";
  return code === "EENVELOPE" || code === "EMESSAGE" ? "rejected" : "deferred";
}
