/** The sink a destination asks for. */
import type { Destination } from "../../kernel/abi/export.ts";
import type { Credential } from "./credential.ts";
import type { Sink } from "./sink.ts";
import { fileSink } from "./sinks/file.ts";
import { otlpSink } from "./sinks/otlp.ts";
import { splunkSink } from "./sinks/splunk.ts";
import { streamSink } from "./sinks/stream.ts";
import { udpSink } from "./sinks/udp.ts";

/** `folder`: of files. Connects with the first event. */
export function openSink(to: Destination, credential: Credential, appliance: string, folder: string): Sink {
  switch (to.to) {
    case "syslog-tls":
    case "syslog-tcp":
      return streamSink(to, credential);
    case "syslog-udp":
      return udpSink(to);
    case "splunk":
      return splunkSink(to, credential, appliance);
    case "otlp":
      return otlpSink(to, credential, appliance);
    case "file":
      return fileSink(to, folder);
  }
}

/** As a person would name it. */
export function describe(to: Destination): string {
  if (to.to === "file") return "files";
  return "url" in to ? `${to.to} ${to.url}` : `${to.to} ${to.host}:${to.port}`;
}
