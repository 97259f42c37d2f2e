/** Where the log goes besides this disk, as an administrator says it in `silo.yaml`, and what the console asks of the process that sends it. */
import { isIP } from "node:net";
import { type Static, Type } from "typebox";
import { message, nullable, object, Sentence } from "./shapes.ts";

export const formatNames = ["native", "ocsf", "cef"] as const;
const format = Type.Enum(formatNames);
export type FormatName = Static<typeof format>;

const host = Type.String({ minLength: 1, maxLength: 253, pattern: "^[A-Za-z0-9.:-]+$" });
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const url = Type.String({ minLength: 1, maxLength: 1024, pattern: "^https?://[!-~]+$" });
const MIB = 1024 * 1024;

/** RFC 5424 over TLS (RFC 5425), TCP (RFC 6587, octet counting) or UDP (RFC 5426). */
const Syslog = object({ to: Type.Enum(["syslog-tls", "syslog-tcp", "syslog-udp"]), host, port, format });
/** HTTP Event Collector. `acknowledge`: waits until the indexers have it, not the collector alone. */
const Splunk = object({
  to: Type.Literal("splunk"),
  url,
  acknowledge: Type.Boolean(),
  index: Type.Optional(Type.String({ pattern: "^[a-z0-9_][a-z0-9_-]{0,79}$" })),
  format,
});
/** OTLP/HTTP logs in JSON; the whole URL, as a rule ending with /v1/logs. */
const Otlp = object({ to: Type.Literal("otlp"), url, format });
/** Files in the exporter's own folder, for whoever collects them; the next begins at so many bytes. */
const Files = object({
  to: Type.Literal("file"),
  bytes_max: Type.Integer({ minimum: MIB, maximum: 1024 * MIB }),
  format,
});

const Destination = Type.Union([Syslog, Splunk, Otlp, Files]);
export type Destination = Static<typeof Destination>;
export type SyslogDestination = Static<typeof Syslog>;
export type SplunkDestination = Static<typeof Splunk>;
export type OtlpDestination = Static<typeof Otlp>;
export type FileDestination = Static<typeof Files>;

export const Export = Type.Union([Type.Literal("none"), Destination]);
export type Export = Static<typeof Export>;

/** The first fault that a schema cannot find, as a place and a rule. */
export function exportFault(to: Export): string | undefined {
  if (to === "none" || !("url" in to)) return undefined;
  if (!URL.canParse(to.url)) return "/export/url is not a URL";
  const { protocol, hostname, username, password, search, hash } = new URL(to.url);
  if (username !== "" || password !== "") return "/export/url holds a secret; it belongs into the credential siem.json";
  if (search !== "" || hash !== "") return "/export/url ends with its path";
  if (protocol === "http:" && !isLoopback(hostname))
    return "/export/url must begin with https:// unless its host is this machine's loopback address";
  return undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === "[::1]" || (isIP(hostname) === 4 && hostname.startsWith("127."));
}

const Count = Type.Integer({ minimum: 0 });

const Status = object({
  /** Null where nothing is configured. */
  to: nullable(Type.String()),
  format: nullable(format),
  /** waiting: there is no log yet. refused: what lies on the disk does not prove itself. */
  state: Type.Enum(["off", "waiting", "sending", "up to date", "failing", "refused"]),
  problem: nullable(Sentence),
  /** Since when it is in that state, in ms. */
  since: Count,
  /** Entries under the newest checkpoint. */
  entries: Count,
  /** Entries the receiver has taken. */
  taken: Count,
  /** Of them, entries that would not be sent again after a broken connection. */
  certain: Count,
  /** Entries under the last checkpoint the receiver has taken. */
  checkpoint: nullable(Count),
  /** Since this process started. */
  events: Count,
  again: Count,
  failures: Count,
  /** In the life of this cursor; anything but 0 is a loss. */
  dropped: Count,
});
export type ExportStatus = Static<typeof Status>;

/** `silo export`. */
export const consoleToSiem = {
  export_status: message({}, Status),
  /** Sends the newest checkpoint once more, on a connection of its own. */
  export_test: message({}, object({ taken: Type.Boolean(), said: Sentence })),
};
