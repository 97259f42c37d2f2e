/** Ingress: tasks of frontends in, answers out. Values pass through; nothing is kept. */

import type { TemplatedApp } from "uWebSockets.js";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SUBMISSION_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { ingressToKernel, ingressToVault, vaultToIngress } from "../../kernel/abi/messages.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import { ConfigError, type Directories } from "../../kernel/process/config.ts";
import { connect } from "../../kernel/process/connect.ts";
import { loadHttp, openExchange } from "../../kernel/process/http.ts";
import { listen } from "../../kernel/process/listen.ts";
import type { Log } from "../../kernel/process/log.ts";
import { startProcess } from "../../kernel/process/start.ts";
import { openAnswers } from "./answers.ts";
import { readFrontends } from "./frontends.ts";
import { openRate, REQUESTS_PER_SECOND_MAX } from "./rate.ts";
import { type Ingress, serve } from "./routes.ts";
import { openSessions } from "./sessions.ts";

const HEADER_BYTES_MAX = 8 * 1024;
const BODY_MS = 10_000;
const CONNECTIONS_MAX = 2048;
const BODY = { bodyBytesMax: SUBMISSION_BYTES_MAX, bodyMs: BODY_MS };

await startProcess("ingress", async (dirs, log) => {
  const settings = readSettings(dirs);
  const at = { run: dirs.run, log };
  const ingress: Ingress = {
    vault: connect({ from: "ingress", to: "vault" }, ingressToVault, at),
    kernel: connect({ from: "ingress", to: "kernel" }, ingressToKernel, at),
    frontends: readFrontends(dirs),
    answers: openAnswers(),
    rate: openRate(REQUESTS_PER_SECOND_MAX, Date.now),
    settings,
  };
  const inHand = new Set<Promise<void>>();
  const app = await openApp(dirs, log);
  app.ws("/v1/answers", openSessions(ingress.frontends, ingress.answers));
  app.any("/*", (res, req) => {
    const served = serve(ingress, openExchange(res, req, BODY)).finally(() => inHand.delete(served));
    inHand.add(served);
  });
  const server = await listen(
    { from: "vault", to: "ingress" },
    vaultToIngress,
    { answer: ingress.answers.deliver },
    at,
  );
  await takePort(app, settings.http);
  return {
    status: `serving ${settings.http.host}:${settings.http.port}`,
    async stop() {
      server.close();
      await Promise.all(inHand);
      app.close();
    },
  };
});

/** TLS where the credentials `tls.crt` and `tls.key` are given; a front door without it says so. */
async function openApp(dirs: Directories, log: Log): Promise<TemplatedApp> {
  const { App, SSLApp } = await loadHttp(HEADER_BYTES_MAX);
  const [cert_file_name, key_file_name] = ["tls.crt", "tls.key"].map((name) => join(dirs.credentials, name)) as [
    string,
    string,
  ];
  const app = existsSync(cert_file_name) ? SSLApp({ cert_file_name, key_file_name }) : App();
  if (!existsSync(cert_file_name)) log.warn("a guard is lowered: no TLS, as there is no credential tls.crt");
  let connections = 0;
  app.filter((res, change) => {
    connections += Number(change);
    if (connections > CONNECTIONS_MAX) res.close();
  });
  return app;
}

function takePort(app: TemplatedApp, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (socket !== false) return resolve();
      reject(new ConfigError(`Port ${port} of ${host} is taken. Free it, or set http.port in silo.yaml to another.`));
    });
  });
}
