/** The exporter: reads the published log and sends it where silo.yaml says. It acts on no permit and speaks to nobody of ours but the console. */
import { join } from "node:path";
import { done } from "../../kernel/abi/ends.ts";
import { consoleToSiem, type Destination } from "../../kernel/abi/export.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import { ConfigError, type Directories } from "../../kernel/process/config.ts";
import { listen } from "../../kernel/process/listen.ts";
import type { Log } from "../../kernel/process/log.ts";
import { startProcess } from "../../kernel/process/start.ts";
import { readCredential } from "./credential.ts";
import { formats } from "./formats.ts";
import { describe, openSink } from "./open.ts";
import { startPump } from "./pump.ts";
import type { Format } from "./record.ts";

await startProcess("siem", async (dirs, log) => {
  const to = readSettings(dirs).export;
  const began = Date.now();
  const pump = to === "none" ? null : pumpTo(to, dirs, log);
  const told = to === "none" ? { to: null, format: null } : { to: describe(to), format: to.format };
  const off = {
    state: "off" as const,
    problem: null,
    since: began,
    entries: 0,
    taken: 0,
    certain: 0,
    checkpoint: null,
    events: 0,
    again: 0,
    failures: 0,
    dropped: 0,
  };
  const server = await listen(
    { from: "console", to: "siem" },
    consoleToSiem,
    {
      export_status: () => done({ ...told, ...(pump?.status() ?? off) }),
      export_test: async () => done((await pump?.test()) ?? { taken: false, said: "silo.yaml has no export." }),
    },
    { run: dirs.run, log },
  );
  return {
    status: to === "none" ? "nothing is exported" : `exports to ${describe(to)}`,
    stop: async () => {
      server.close();
      await pump?.stop();
    },
  };
});

function pumpTo(to: Destination, dirs: Directories, log: Log) {
  const format = (formats as Record<string, Format>)[to.format];
  if (format === undefined) throw new ConfigError(`/export/format: there is no body ${to.format} in this version.`);
  const credential = readCredential(dirs, to.to);
  if (to.to === "syslog-tcp" || to.to === "syslog-udp")
    log.warn("the log is exported without TLS: whoever is on the way can read and change it");
  const state = join(dirs.var, "siem");
  return startPump({
    folder: join(dirs.var, "audit"),
    cursor: join(state, "cursor.json"),
    open: (appliance) => openSink(to, credential, appliance, join(state, "files")),
    format,
    now: Date.now,
    log,
  });
}
