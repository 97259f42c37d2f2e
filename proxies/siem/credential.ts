/** What the receiver knows us by: the credential `siem.json`, where one was given. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import type { Destination } from "../../kernel/abi/export.ts";
import { parseExact } from "../../kernel/abi/json.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import { compile } from "../../kernel/process/schema.ts";

const NAME = "siem.json";
const Pem = Type.String({ pattern: "^-----BEGIN [A-Z ]+-----\\n[^]{1,65536}$" });

export const Credential = Type.Object(
  {
    /** Who may vouch for the receiver, in place of the certificate authorities of this machine. */
    ca: Type.Optional(Pem),
    /** Ours, for mutual TLS, and its private key. */
    certificate: Type.Optional(Pem),
    key: Type.Optional(Pem),
    /** Of Splunk's collector. */
    token: Type.Optional(Type.String({ pattern: "^[!-~]{1,1024}$" })),
    /** Of an OTLP collector, as it asks for them. */
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" }), Type.String({ pattern: "^[ -~]{1,4096}$" }), {
        maxProperties: 16,
      }),
    ),
  },
  { additionalProperties: false },
);
export type Credential = Static<typeof Credential>;

/** Reads the credential. Throws `ConfigError`. */
export function readCredential(dirs: Pick<Directories, "credentials">, to: Destination["to"]): Credential {
  const found = existsSync(join(dirs.credentials, NAME)) ? parsed(credential(dirs, NAME)) : {};
  const checked = compile(Credential)(found);
  if (!checked.ok) throw new ConfigError(`The credential ${NAME}: ${checked.why}.`);
  const { certificate, key, token } = checked.value;
  if ((certificate === undefined) !== (key === undefined))
    throw new ConfigError(`The credential ${NAME}: certificate and key go together.`);
  if (to === "splunk" && token === undefined) throw new ConfigError(`The credential ${NAME}: Splunk needs a token.`);
  return checked.value;
}

function parsed(bytes: Buffer): unknown {
  try {
    return parseExact(bytes.toString("utf8"));
  } catch {
    throw new ConfigError(`The credential ${NAME} is no JSON.`);
  }
}
