/** The SMSC this proxy hands its messages to: the credential `smpp.json`. */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { parseExact } from "../../kernel/abi/json.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import { compile } from "../../kernel/process/schema.ts";
import { senderOf } from "./address.ts";

const FILE = "smpp.json";

export const SmppCredential = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 255 }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    /** `none` is for a server, or the end of a tunnel, on this machine alone. */
    tls: Type.Union([Type.Literal("implicit"), Type.Literal("none")]),
    /** Lengths of SMPP 3.4, 4.1.5, without the terminating zero. */
    system_id: Type.String({ pattern: "^[!-~]{1,15}$" }),
    password: Type.String({ pattern: "^[!-~]{0,8}$" }),
    system_type: Type.Optional(Type.String({ pattern: "^[!-~]{0,12}$" })),
    /** Whom messages come from: `+49…`, a short code, or a name of at most eleven characters. */
    from: Type.String({ minLength: 1, maxLength: 16 }),
    /**
     * How the SMSC writes the id of a message into the text of its receipt: as it answered it, or in decimal where the answer was
     * hexadecimal.
     */
    receipt_ids: Type.Union([Type.Literal("same"), Type.Literal("decimal")]),
    /** The SMSC returns user_message_reference in its receipts, so a receipt tells of a message whose answer was lost. */
    receipts_carry_reference: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type SmppCredential = Static<typeof SmppCredential>;

/** Reads the credential; undefined where no SMSC is configured. Throws `ConfigError` where it is there and not valid. */
export function readCredential(dirs: Pick<Directories, "credentials">): SmppCredential | undefined {
  if (!existsSync(join(dirs.credentials, FILE))) return undefined;
  const checked = compile(SmppCredential)(parseExact(credential(dirs, FILE).toString("utf8")));
  if (!checked.ok) throw new ConfigError(`The credential ${FILE}: ${checked.why}.`);
  const { tls, host, from } = checked.value;
  if (tls === "none" && !isLoopback(host))
    throw new ConfigError(`The credential ${FILE}: tls may be none only where host is a loopback address.`);
  if (senderOf(from) === undefined)
    throw new ConfigError(`The credential ${FILE}: from is no number with its plus sign, short code or name.`);
  return checked.value;
}

function isLoopback(host: string): boolean {
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
