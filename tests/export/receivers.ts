/** What stands at the other end: real receivers where Debian has them, else one that holds to the published protocol. Each writes one file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Destination } from "../../kernel/abi/export.ts";
import type { Credential } from "../../proxies/siem/credential.ts";
import type { Certificates } from "./certificates.ts";

export type Receiver = {
  to: Destination;
  credential: Credential;
  /** Settles when it takes connections. */
  start(): Promise<void>;
  kill9(): Promise<void>;
  /** All it has, as lines. */
  text(): string;
};

const names = ["rsyslog", "syslog-ng", "splunk", "otlp", "file"] as const;
export type ReceiverName = (typeof names)[number];
export const receiverNames: readonly ReceiverName[] = names;

const START_MS_MAX = 30_000;
const format = "native" as const;
/** Of the collector that holds to Splunk's protocol. */
const TOKEN = "0f2d7f80-6c3f-4b43-a7f5-6b3a43a6f4c7";

export async function makeReceiver(name: ReceiverName, folder: string, certificates: Certificates): Promise<Receiver> {
  mkdirSync(folder, { recursive: true });
  if (name === "file") return files(folder);
  const port = await freePort();
  const file = join(folder, "received.log");
  const program = { rsyslog, "syslog-ng": syslogNg, splunk: collector("hec"), otlp: collector("otlp") }[name];
  const { argv, to, credential } = program({ folder, file, port, certificates });
  let child: ChildProcess | undefined;
  return {
    to,
    credential,
    async start() {
      child = spawn(argv[0], argv.slice(1), { stdio: "ignore" });
      await listens(port);
    },
    async kill9() {
      const gone = child;
      if (gone === undefined || gone.exitCode !== null || gone.signalCode !== null) return;
      const ended = once(gone, "exit");
      gone.kill("SIGKILL");
      await ended;
    },
    text: () => (existsSync(file) ? readFileSync(file, "utf8") : ""),
  };
}

type Given = { folder: string; file: string; port: number; certificates: Certificates };
type Program = { argv: [string, ...string[]]; to: Destination; credential: Credential };

/** Mutual TLS; its queue in memory is what Debian's package has. */
function rsyslog({ folder, file, port, certificates }: Given): Program {
  const { folder: of, sender: credential } = certificates;
  const conf = join(folder, "rsyslog.conf");
  writeFileSync(
    conf,
    `global(workDirectory="${folder}" maxMessageSize="128k" defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="${of}/ca.pem"
       defaultNetstreamDriverCertFile="${of}/receiver.pem" defaultNetstreamDriverKeyFile="${of}/receiver.key")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["siem.silo.test"])
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imtcp" port="${port}" address="127.0.0.1")
*.* action(type="omfile" file="${file}" template="raw")
`,
  );
  return { argv: ["rsyslogd", "-n", "-f", conf, "-i", join(folder, "pid")], to: syslogTls(port), credential };
}

function syslogNg({ folder, file, port, certificates }: Given): Program {
  const { folder: of, sender: credential } = certificates;
  const conf = join(folder, "syslog-ng.conf");
  writeFileSync(
    conf,
    `@version: current
options { log-msg-size(262144); keep-hostname(yes); };
source s { syslog(ip("127.0.0.1") port(${port}) transport("tls") tls(key-file("${of}/receiver.key") cert-file("${of}/receiver.pem")
  ca-file("${of}/ca.pem") peer-verify(required-trusted))); };
destination d { file("${file}" template("\${MESSAGE}\\n")); };
log { source(s); destination(d); flags(flow-control); };
`,
  );
  const own = ["-p", join(folder, "pid"), "-c", join(folder, "ctl"), "-R", join(folder, "persist")];
  return { argv: ["syslog-ng", "-F", "--no-caps", "-f", conf, ...own], to: syslogTls(port), credential };
}

function syslogTls(port: number): Destination {
  return { to: "syslog-tls", host: "127.0.0.1", port, format };
}

function collector(protocol: "hec" | "otlp") {
  return ({ file, port }: Given): Program => {
    const script = new URL("./collector-inside.ts", import.meta.url).pathname;
    const url = `http://127.0.0.1:${port}`;
    const to: Destination =
      protocol === "hec"
        ? { to: "splunk", url, acknowledge: true, format }
        : { to: "otlp", url: `${url}/v1/logs`, format };
    return { argv: [process.execPath, script, protocol, String(port), file, TOKEN], to, credential: { token: TOKEN } };
  };
}

/** The files are the exporter's own. */
function files(folder: string): Receiver {
  const own = join(folder, "files");
  return {
    to: { to: "file", bytes_max: 1024 * 1024, format },
    credential: {},
    start: async () => undefined,
    kill9: async () => undefined,
    text() {
      const all = existsSync(own) ? readdirSync(own).sort() : [];
      return all.map((name) => readFileSync(join(own, name), "utf8")).join("");
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port: number): Promise<void> {
  for (const end = Date.now() + START_MS_MAX; Date.now() < end; await sleep(50)) {
    const socket = connect(port, "127.0.0.1");
    const there = await new Promise((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (there) return;
  }
  throw new Error(`Nothing listens at ${port}.`);
}
