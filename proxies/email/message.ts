/**
 * One message: what may be said to whom, as the bytes that go to the server.
 *
 * Threat: a text with line ends adds headers or recipients; an address that is a list sends the message to somebody else.
 * Contract: exactly one recipient, in the envelope and in To; subject and body stand where they belong, encoded; the Message-ID is the
 * same for every attempt at one call.
 * Failure: ARGUMENT_INVALID, before anything is recorded or sent.
 */
import { createHash } from "node:crypto";
import MailComposer from "nodemailer/lib/mail-composer";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Call } from "../proxy/admit.ts";

export type Message = { id: string; from: string; to: string; bytes: Buffer };

/** RFC 5321: a whole path is at most 256 octets with its brackets. */
const ADDRESS_CHARS_MAX = 254;
/** One mailbox without comments, quotes, routes or lists. */
const ADDRESS = /^[^\s"(),:;<>@[\\\]\p{Cc}\p{Cf}]{1,64}@[^\s"(),:;<>@[\\\]\p{Cc}\p{Cf}]{1,253}$/u;
/** Control characters, line and paragraph separators: none belongs into a header. */
const NOT_IN_HEADER = /[\p{Cc}\u2028\u2029]/u;

/** Composes the message of one call. `date` in ms since 1970. */
export async function composeMessage(
  call: Pick<Call, "key" | "values">,
  sender: { from: string; domain: string },
  date: number,
): Promise<End<Message>> {
  const { to, subject, body } = call.values as { to: string; subject: string; body: string };
  if (to.length > ADDRESS_CHARS_MAX || !ADDRESS.test(to))
    return refused("ARGUMENT_INVALID", "The recipient's value is not one e-mail address.");
  if (NOT_IN_HEADER.test(subject))
    return refused("ARGUMENT_INVALID", 'The argument "subject" must be one line without control characters.');
  const id = messageId(call.key, sender.domain);
  const composer = new MailComposer({
    from: { name: "", address: sender.from },
    to: { name: "", address: to },
    subject,
    text: body,
    messageId: id,
    date: new Date(date),
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return done({ id, from: sender.from, to, bytes: await composer.compile().build() });
}

/** The Message-ID of a call: the same for every attempt, and nothing can be read from it. */
export function messageId(key: string, domain: string): string {
  return `<${createHash("sha256").update(key).digest("hex").slice(0, 40)}@${domain}>`;
}
