/** Reads one delivered mail of a single text part (RFC 5322, 2045, 2047), as the email proxy sends them. */

export type Mail = {
  from: string;
  /** Where the server delivered it: the recipient of the envelope. */
  deliveredTo: string;
  to: string;
  subject: string;
  /** With its angle brackets. */
  messageId: string;
  text: string;
};

/** Decodes headers and body. A header that is not there is an empty text. */
export function parseMail(bytes: Buffer): Mail {
  const raw = bytes.toString("latin1").replaceAll("\r\n", "\n");
  const end = raw.indexOf("\n\n");
  const head = raw.slice(0, end).replace(/\n[ \t]+/g, " ");
  const header = (name: string) => decodeWords(new RegExp(`^${name}: ?(.*)$`, "im").exec(head)?.[1] ?? "");
  return {
    from: header("From"),
    deliveredTo: header("Delivered-To"),
    to: header("To"),
    subject: header("Subject"),
    messageId: header("Message-ID"),
    text: decodeBody(raw.slice(end + 2), header("Content-Transfer-Encoding")),
  };
}

function decodeBody(body: string, encoding: string): string {
  const bytes = Buffer.from(body, "latin1");
  if (encoding.toLowerCase() === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding.toLowerCase() === "quoted-printable") return unquote(body.replace(/=\n/g, "")).toString("utf8");
  return bytes.toString("utf8");
}

/** Encoded words: `=?UTF-8?Q?J=C3=BCrgen?=`. White space between two of them is not part of the text. */
function decodeWords(text: string): string {
  const joined = text.replace(/\?=\s+=\?/g, "?==?");
  const decoded = joined.replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, content: string) =>
    (kind.toLowerCase() === "b" ? Buffer.from(content, "base64") : unquote(content.replaceAll("_", " "))).toString(
      "latin1",
    ),
  );
  return Buffer.from(decoded, "latin1").toString("utf8");
}

function unquote(text: string): Buffer {
  const raw = text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(raw, "latin1");
}
