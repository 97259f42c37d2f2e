/** Opens ingress: its edges to vault and kernel, and the port strangers reach. */

import type { TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SUBMISSION_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { ingressToKernel, ingressToVault, vaultToIngress } from "../../kernel/abi/messages.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import { connect } from "../../kernel/process/connect.ts";
import { loadHttp, openExchange } from "../../kernel/process/http.ts";
import { listen } from "../../kernel/process/listen.ts";
import type { Log } from "../../kernel/process/log.ts";
import type { Running } from "../../kernel/process/start.ts";
import { Answers } from "./answers.ts";
import { readFrontends } from "./frontends.ts";
import type { Ingress } from "./ingress.ts";
import { ANSWERS_PATH } from "./openapi.ts";
import { openRate } from "./rate.ts";
import { drain, serve } from "./serve.ts";
import { answersSocket } from "./sessions.ts";

/** All headers of one request. */
export const HEADER_BYTES_MAX = 8 * 1024;
/** A body is there within this. */
export const BODY_MS = 10_000;
/** Connections of all frontends together. */
export const CONNECTIONS_MAX = 1024;

type Tls = { cert_file_name: string; key_file_name: string };

/** Everything ingress' process does but starting: its sockets are open when this settles, and no byte of a stranger is read before. */
export async function openIngress(dirs: Directories, log: Log): Promise<Running> {
  const settings = readSettings(dirs);
  const tls = findTls(dirs);
  const http = await loadHttp(HEADER_BYTES_MAX);
  const at = { run: dirs.run, log };
  const answers = new Answers();
  const ingress: Ingress = {
    kernel: connect({ from: "ingress", to: "kernel" }, ingressToKernel, at),
    vault: connect({ from: "ingress", to: "vault" }, ingressToVault, at),
    settings,
    findFrontend: readFrontends(credential(dirs, "frontends.json").toString()),
    allow: openRate(),
    answers,
    inHand: new Set(),
    isStopping: false,
    now: Date.now,
  };
  const server = await listen(
    { from: "vault", to: "ingress" },
    vaultToIngress,
    { answer: (body) => answers.deliver(body) },
    at,
  );
  const app = tls === null ? http.App() : http.SSLApp(tls);
  route(app, ingress);
  const port = listenAt(app, settings.http);
  if (tls === null)
    log.warn("PLAIN HTTP: there is no TLS credential (tls.crt, tls.key), so keys and answers cross in the clear");
  return {
    status: `serving frontends at ${settings.http.host}:${settings.http.port}${tls === null ? ", PLAIN HTTP" : ""}`,
    async stop() {
      http.us_listen_socket_close(port);
      server.close();
      await drain(ingress);
      app.close();
      ingress.kernel.close();
      ingress.vault.close();
    },
  };
}

function route(app: TemplatedApp, ingress: Ingress): void {
  let connections = 0;
  const admit: Parameters<TemplatedApp["filter"]>[0] = (res, change) => {
    connections += Number(change);
    if (connections > CONNECTIONS_MAX) res.close();
  };
  app.filter(admit);
  app.ws(ANSWERS_PATH, answersSocket(ingress.findFrontend, ingress.answers));
  app.any("/*", (res, req) => {
    void serve(ingress, openExchange(res, req, { bodyBytesMax: SUBMISSION_BYTES_MAX, bodyMs: BODY_MS }));
  });
}

function listenAt(app: TemplatedApp, { host, port }: { host: string; port: number }): us_listen_socket {
  let socket: us_listen_socket | false = false;
  app.listen(host, port, (opened) => {
    socket = opened;
  });
  if (socket === false) throw new ConfigError(`${host}:${port} cannot be listened at; silo.yaml names it under http.`);
  return socket;
}

/** Both files, or neither: half a credential is a mistake, not a choice. */
function findTls({ credentials }: Directories): Tls | null {
  const [cert, key] = [join(credentials, "tls.crt"), join(credentials, "tls.key")];
  const there = [cert, key].filter((path) => existsSync(path));
  if (there.length === 1) throw new ConfigError(`Of the credentials tls.crt and tls.key only ${there[0]} is there.`);
  return there.length === 0 ? null : { cert_file_name: cert, key_file_name: key };
}
