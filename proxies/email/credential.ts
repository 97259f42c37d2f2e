/** The mail server this proxy hands its messages to: the credential `smtp.json`. */
import { isIP } from "node:net";
import { type Static, Type } from "typebox";
import { parseExact } from "../../kernel/abi/json.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import { compile } from "../../kernel/process/schema.ts";

export const SmtpCredential = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 255 }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    /** `none` is for a server on this machine alone. */
    tls: Type.Union([Type.Literal("starttls"), Type.Literal("implicit"), Type.Literal("none")]),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** Address the messages come from, and the domain of their Message-IDs. */
    from: Type.String({ pattern: "^[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+$", maxLength: 254 }),
    domain: Type.String({ pattern: "^[A-Za-z0-9.-]+$", maxLength: 253 }),
  },
  { additionalProperties: false },
);
export type SmtpCredential = Static<typeof SmtpCredential>;

/** Reads the credential. Throws `ConfigError`. */
export function readCredential(dirs: Pick<Directories, "credentials">): SmtpCredential {
  const checked = compile(SmtpCredential)(parseExact(credential(dirs, "smtp.json").toString("utf8")));
  if (!checked.ok) throw new ConfigError(`The credential smtp.json: ${checked.why}.`);
  const { tls, host, user, password } = checked.value;
  if (tls === "none" && !isLoopback(host))
    throw new ConfigError("The credential smtp.json: tls may be none only where host is a loopback address.");
  if ((user === undefined) !== (password === undefined))
    throw new ConfigError("The credential smtp.json: user and password go together.");
  return checked.value;
}

function isLoopback(host: string): boolean {
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
